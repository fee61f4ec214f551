// The tensors that go with a job: a safetensors file, copied to sealed shared memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "ipc/fd.hpp"
#include "protocol/job/job.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::client {

inline constexpr std::size_t kMaxJobTensorBytes = std::size_t{64} << 30;

class JobTensors {
 public:
  // Copies a safetensors file to a memfd sealed against SHRINK, GROW and WRITE, as the host
  // protocol asks. Throws kMissingFile, kOutOfRange above kMaxJobTensorBytes, kBadCheckpoint where
  // it is no whole safetensors file, kResourceExhausted where memory is short.
  static JobTensors load(const std::filesystem::path& path);

  // The same for a file's bytes in memory; `name` is for messages.
  static JobTensors copy(std::span<const std::byte> file, std::string_view name);

  const ipc::Fd& fd() const { return fd_; }
  const SafetensorsHeader& header() const { return header_; }

 private:
  JobTensors(ipc::Fd fd, SafetensorsHeader header);

  ipc::Fd fd_;
  SafetensorsHeader header_;
};

// Throws kMissingTensor, naming the key, where the job names a tensor that is not there. `tensors`
// is null where the job comes with none; `hint` then says what to do about it.
void check_tensors(const job::Job& job, const JobTensors* tensors, std::string_view hint);

}  // namespace tandem::client

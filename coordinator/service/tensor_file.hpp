// The tensors that came with a job: a host's sealed memfd, mapped and checked.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <boost/interprocess/mapped_region.hpp>

#include "ipc/fd.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::coordinator {

class TensorFile {
 public:
  // Takes a host's descriptor. Throws kUnsealedMemory, kOutOfRange past `max_bytes`, kBadCheckpoint
  // where the content is no safetensors file.
  TensorFile(const ipc::Fd& fd, std::size_t max_bytes);

  // Throws kMissingTensor naming `path`, the key of the job that asks for it.
  const TensorLayout& layout(const std::string& name, const std::string& path) const;
  // Valid as long as this object.
  // The name must be known: ask layout() first.
  std::span<const std::byte> bytes(const std::string& name) const;

  std::vector<std::string> names() const;

  std::size_t size() const { return region_.get_size(); }

 private:
  std::span<const std::byte> bytes() const;

  boost::interprocess::mapped_region region_;
  SafetensorsHeader header_;
};

}  // namespace tandem::coordinator

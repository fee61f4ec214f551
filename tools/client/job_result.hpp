// What the service gives back for a job: tensors in shared memory, and JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/interprocess/mapped_region.hpp>
#include <boost/json/object.hpp>

#include "ipc/fd.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::client {

// A result's memfd, mapped read-only: a safetensors file. Valid without the service and its
// connection.
class ResultTensors {
 public:
  // Throws kUnsealedMemory for a descriptor that is no sealed memfd, kBadCheckpoint where it does
  // not hold a safetensors file.
  explicit ResultTensors(const ipc::Fd& fd);

  const SafetensorsHeader& header() const { return header_; }

  // A tensor's layout and its bytes, which live as long as this object. Throws kMissingTensor.
  const TensorLayout& layout(std::string_view name) const;
  std::span<const std::byte> bytes(std::string_view name) const;

 private:
  const SafetensorsEntry& entry(std::string_view name) const;
  std::span<const std::byte> file() const;

  boost::interprocess::mapped_region region_;
  SafetensorsHeader header_;
};

struct JobResult {
  std::string job;                       // id
  boost::json::object outputs;           // by output key: names of tensors, or the JSON itself
  std::optional<ResultTensors> tensors;  // none where no output is a tensor
  boost::json::object types;             // what "model", "text" and "vae" computed in: "fp32" ...
};

}  // namespace tandem::client

// Safetensors files in memory: results for hosts, and weights that a host sent for the workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ipc/fd.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/tensor_layout.hpp"

namespace tandem::coordinator {

struct NamedBytes {
  std::string name;
  TensorLayout layout;
  std::span<const std::byte> bytes;
};

struct ResultFile {
  ipc::Fd fd;  // opened read-only
  std::uint64_t bytes = 0;
};

// A sealed memfd with copies of the tensors; names must differ. Throws kResourceExhausted.
ResultFile make_tensor_memory(const char* name, std::span<const NamedBytes> tensors);

// What stands in for a file that units name: workers are sent its descriptor and know it by its
// stamp.
struct MemoryFile {
  FileStamp stamp;  // of no device; no two files of a process have the same
  ipc::Fd fd;
  std::vector<std::string> tensors;  // names
};

using MemoryFiles = std::vector<std::shared_ptr<const MemoryFile>>;

// name: for messages. Throws as make_tensor_memory.
std::shared_ptr<const MemoryFile> make_memory_file(const std::string& name,
                                                   std::span<const NamedBytes> tensors);

}  // namespace tandem::coordinator

#include "coordinator/dispatch/memory_file.hpp"

#include <atomic>
#include <cstring>

#include <boost/interprocess/mapped_region.hpp>

#include "ipc/memory/memfd.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::coordinator {
namespace {

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> next = 1;
  return next++;
}

}  // namespace

ResultFile make_tensor_memory(const char* name, std::span<const NamedBytes> tensors) {
  std::vector<NamedLayout> layouts;
  for (const NamedBytes& tensor : tensors)
    layouts.emplace_back(tensor.name, tensor.layout);
  const SafetensorsHead head = build_safetensors_header(layouts);
  ipc::Memfd memory = ipc::Memfd::create(name, head.file_size);
  {
    const boost::interprocess::mapped_region region(memory, boost::interprocess::read_write);
    auto* bytes = static_cast<std::byte*>(region.get_address());
    std::memcpy(bytes, head.bytes.data(), head.bytes.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto& from = tensors[i].bytes;
      if (!from.empty()) std::memcpy(bytes + head.offsets[i], from.data(), from.size());
    }
  }
  memory.seal(ipc::Sealing::kContent);
  return {memory.reopen_read_only(), head.file_size};
}

std::shared_ptr<const MemoryFile> make_memory_file(const std::string& name,
                                                   std::span<const NamedBytes> tensors) {
  ResultFile made = make_tensor_memory("tandem-weights", tensors);
  auto file = std::make_shared<MemoryFile>();
  file->stamp = {name, 0, next_number(), made.bytes, 0};
  file->fd = std::move(made.fd);
  for (const NamedBytes& tensor : tensors)
    file->tensors.push_back(tensor.name);
  return file;
}

}  // namespace tandem::coordinator

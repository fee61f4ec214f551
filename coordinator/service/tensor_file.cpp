#include "coordinator/service/tensor_file.hpp"

#include "ipc/memory/memfd.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr const char* kName = "The job's tensors";

}  // namespace

TensorFile::TensorFile(const ipc::Fd& fd, std::size_t max_bytes)
    : region_(ipc::map_peer_content(fd, max_bytes)) {
  // Copied before it is read: a peer that sealed with FUTURE_WRITE may still write through an older
  // mapping.
  const auto file = bytes();
  const std::uint64_t head_bytes = safetensors_head_bytes(file, file.size(), kName);
  const std::vector<std::byte> head(file.begin(),
                                    file.begin() + static_cast<std::ptrdiff_t>(head_bytes));
  header_ = parse_safetensors_header(head, file.size(), kName);
}

const TensorLayout& TensorFile::layout(const std::string& name, const std::string& path) const {
  if (const SafetensorsEntry* entry = header_.find(name)) return entry->layout;
  throw Error(ErrorCode::kMissingTensor,
              path + ": the job's tensors hold no tensor '" + name + "'.", {}, path);
}

std::vector<std::string> TensorFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : header_.tensors)
    names.push_back(name);
  return names;
}

std::span<const std::byte> TensorFile::bytes(const std::string& name) const {
  const SafetensorsEntry& entry = *header_.find(name);
  return bytes().subspan(header_.data_offset + entry.begin, entry.end - entry.begin);
}

std::span<const std::byte> TensorFile::bytes() const {
  return {static_cast<const std::byte*>(region_.get_address()), region_.get_size()};
}

}  // namespace tandem::coordinator

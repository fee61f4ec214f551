#include "models/patches/attached_files.hpp"

#include "models/checkpoint/checkpoint.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

void AttachedFiles::attach(ConstantId id, const FileStamp& stamp, std::span<const std::byte> bytes,
                           std::shared_ptr<const void> owner) {
  const SafetensorsHeader header = parse_safetensors_header(bytes, bytes.size(), stamp.path);
  auto file = std::make_shared<PatchFile>();
  file->path = stamp.path;
  file->tensors = tensors_in(header, bytes.subspan(header.data_offset), owner);
  for (const auto& [name, tensor] : file->tensors)
    file->names.push_back(name);
  files_[id] = {stamp, std::move(file)};
}

std::shared_ptr<const PatchFile> AttachedFiles::find(const FileStamp& stamp) const {
  for (const auto& [id, file] : files_) {
    if (file.first == stamp) return file.second;
  }
  return nullptr;
}

}  // namespace tandem::models

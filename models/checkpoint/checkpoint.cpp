#include "models/checkpoint/checkpoint.hpp"

#include <cstdint>
#include <cstring>
#include <memory>

#include <ATen/ATen.h>

#include "models/checkpoint/header_file.hpp"
#include "models/checkpoint/mapped_file.hpp"
#include "models/tensor/tensor_view.hpp"

namespace tandem::models {
namespace {

at::Tensor aligned_copy(const TensorLayout& layout, std::span<const std::byte> bytes) {
  at::Tensor copy = at::empty(layout.shape, scalar_type_of(layout.dtype));
  if (!bytes.empty()) std::memcpy(copy.mutable_data_ptr(), bytes.data(), bytes.size());
  return copy;
}

at::Tensor tensor_of(const SafetensorsEntry& entry, std::span<const std::byte> data,
                     const std::shared_ptr<const void>& owner) {
  const auto bytes = data.subspan(entry.begin, entry.end - entry.begin);
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  if (bytes.empty() || address % size_of(entry.layout.dtype) != 0) {
    return aligned_copy(entry.layout, bytes);
  }
  return tensor_view(entry.layout, bytes.data(), owner);
}

}  // namespace

TensorMap tensors_in(const SafetensorsHeader& header, std::span<const std::byte> data,
                     const std::shared_ptr<const void>& owner) {
  TensorMap tensors;
  for (const auto& [name, entry] : header.tensors)
    tensors.emplace_hint(tensors.end(), name, tensor_of(entry, data, owner));
  return tensors;
}

Checkpoint open_checkpoint(const std::string& path) {
  const HeaderFile file(path);
  const auto mapping = std::make_shared<const MappedFile>(file.file());
  const auto data = mapping->bytes().subspan(file.header().data_offset);
  return {file.stamp(), tensors_in(file.header(), data, mapping)};
}

}  // namespace tandem::models

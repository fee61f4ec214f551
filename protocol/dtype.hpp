// Element types of tensors: the one table of names and sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem {

// Append only: the numbers travel between coordinator and workers.
enum class DType : std::uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI64,
  kI32,
  kI16,
  kI8,
  kU8,
  kBool,
  kF8E4M3,
  kF8E5M2
};

// Bytes of one element.
std::size_t size_of(DType dtype);
// The name in a safetensors header, for instance "F32".
std::string_view safetensors_name(DType dtype);
std::optional<DType> find_safetensors_dtype(std::string_view name);

}  // namespace tandem

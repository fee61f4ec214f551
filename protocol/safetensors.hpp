// The safetensors file format as values: an 8-byte length, a JSON header, then the tensors' bytes.
// https://github.com/huggingface/safetensors#format. Nothing here opens a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/tensor_layout.hpp"

namespace tandem {

// One tensor of a file: its bytes are [begin, end), counted from SafetensorsHeader::data_offset.
struct SafetensorsEntry {
  TensorLayout layout;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  bool operator==(const SafetensorsEntry&) const = default;
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry, std::less<>> tensors;  // by name
  std::map<std::string, std::string, std::less<>> metadata;      // "__metadata__"
  std::uint64_t data_offset = 0;  // where the tensors' bytes begin in the file

  // nullptr where the file has no such tensor; the header owns what is returned.
  const SafetensorsEntry* find(std::string_view name) const;

  bool operator==(const SafetensorsHeader&) const = default;
};

inline constexpr std::size_t kSafetensorsLengthBytes = 8;
inline constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;  // as the reference

// How many bytes of the file's beginning parse_safetensors_header needs. `first` holds at least the
// file's first 8 bytes (or all of a shorter file). Throws kBadCheckpoint where the length that it
// announces is above kMaxSafetensorsHeaderBytes or does not fit in the file.
std::uint64_t safetensors_head_bytes(std::span<const std::byte> first, std::uint64_t file_size,
                                     std::string_view file);

// Reads a header. `head` is the beginning of the file, at least safetensors_head_bytes() of it;
// `file` names it in messages. Strict, since files come from outside: known element types, at most
// kMaxTensorDims dimensions, no name twice, tensors that lie one after the other without hole or
// overlap, each as long as its shape says, the last one ending where the file ends. Everything else
// is kBadCheckpoint with a message that names the file, the tensor and the bytes.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> head, std::uint64_t file_size,
                                           std::string_view file);

// What a writer puts in front of its tensors.
struct SafetensorsHead {
  std::string bytes;                   // length and JSON, padded to a multiple of 64 bytes
  std::vector<std::uint64_t> offsets;  // of each tensor from the beginning of the file
  std::uint64_t file_size = 0;
};

using NamedLayout = std::pair<std::string, TensorLayout>;

// The head of a file that holds the tensors in this order, one directly after the other. Throws
// kInternal for a name that comes twice or is "__metadata__".
SafetensorsHead build_safetensors_header(std::span<const NamedLayout> tensors,
                                         const std::map<std::string, std::string>& metadata = {});

}  // namespace tandem

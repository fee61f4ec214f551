#include "models/checkpoint/header_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::size_t kMaxNumbers = 1'000'000;

// How torch.save begins its files: a zip archive, or a bare pickle of protocol 2.
bool looks_like_pytorch(std::span<const std::byte> first) {
  constexpr std::array kZip = {std::byte{'P'}, std::byte{'K'}, std::byte{3}, std::byte{4}};
  constexpr std::array kPickle = {std::byte{0x80}, std::byte{2}};
  const auto begins_with = [&](std::span<const std::byte> magic) {
    return first.size() >= magic.size() && std::equal(magic.begin(), magic.end(), first.begin());
  };
  return begins_with(kZip) || begins_with(kPickle);
}

// Only for what cannot be safetensors: the first bytes of such a file may be any number.
std::uint64_t head_bytes_of(const FileStamp& stamp, std::span<const std::byte> first) {
  try {
    return safetensors_head_bytes(first, stamp.bytes, stamp.path);
  } catch (const Error&) {
    if (!looks_like_pytorch(first)) throw;
  }
  throw Error(ErrorCode::kBadCheckpoint,
              "'" + stamp.path +
                  "' is a PyTorch file (a pickle), which is not opened: it can hold "
                  "code. Expected safetensors.",
              "Convert it: tools/convert " + stamp.path, stamp.path);
}

SafetensorsHeader read_header(const ReadOnlyFile& file) {
  const FileStamp& stamp = file.stamp();
  std::array<std::byte, kSafetensorsLengthBytes> first = {};
  const std::size_t there = std::min<std::uint64_t>(first.size(), stamp.bytes);
  file.read(0, std::span(first).first(there));
  const std::uint64_t head_bytes = head_bytes_of(stamp, std::span(first).first(there));
  std::vector<std::byte> head(head_bytes);
  file.read(0, head);
  return parse_safetensors_header(head, stamp.bytes, stamp.path);
}

float from_half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int mantissa = bits & 0x3ff;
  const float sign = (bits & 0x8000) != 0 ? -1.0F : 1.0F;
  if (exponent == 0x1f) return mantissa == 0 ? sign * INFINITY : NAN;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(mantissa + 0x400), exponent - 25);
}

float number_at(const std::byte* bytes, DType dtype) {
  if (dtype == DType::kF32) {
    float number = 0;
    std::memcpy(&number, bytes, sizeof(number));
    return number;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  if (dtype == DType::kBF16) return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  return from_half(bits);
}

}  // namespace

HeaderFile::HeaderFile(const std::string& path) : file_(path), header_(read_header(file_)) {}

std::vector<float> HeaderFile::read_numbers(std::string_view name) const {
  const std::string& path = stamp().path;
  const SafetensorsEntry* entry = header_.find(name);
  if (entry == nullptr) {
    throw Error(ErrorCode::kMissingTensor,
                "'" + path + "' has no tensor '" + std::string(name) + "'.", {}, path);
  }
  const DType dtype = entry->layout.dtype;
  const std::size_t count = element_count(entry->layout);
  const bool real = dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16;
  if (!real || count > kMaxNumbers) {
    throw Error(ErrorCode::kBadCheckpoint,
                "'" + path + "': tensor '" + std::string(name) +
                    "' should hold at most a million F32, F16 or BF16 numbers; it holds " +
                    std::to_string(count) + " of " + std::string(safetensors_name(dtype)) + ".",
                {}, path);
  }
  std::vector<std::byte> bytes(entry->end - entry->begin);
  file_.read(header_.data_offset + entry->begin, bytes);
  std::vector<float> numbers(count);
  for (std::size_t i = 0; i < count; ++i) {
    numbers[i] = number_at(bytes.data() + i * size_of(dtype), dtype);
  }
  return numbers;
}

}  // namespace tandem::models

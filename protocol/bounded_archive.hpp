// cereal archives for what a peer sends. The input reads from a span and believes no size in it:
// a count is checked against the bytes that are left before memory is taken for it, elements are
// added one by one, nesting has a limit. cereal's own container headers resize first and read
// later, so they are not used: the containers that may travel are those below. Shared pointers and
// polymorphic types do not compile.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <cereal/cereal.hpp>

#include "protocol/error.hpp"

namespace tandem {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

inline constexpr int kMaxArchiveDepth = 64;

// The largest valid value of an enum. Specialize it beside the enum's serialization; an enum whose
// every value is valid needs none.
template <class Enum>
inline constexpr auto kLastEnumerator =
    static_cast<Enum>(std::numeric_limits<std::underlying_type_t<Enum>>::max());

// A number that travels as its bytes.
template <class T>
concept ArchivedNumber = std::is_arithmetic_v<T> && sizeof(T) <= sizeof(std::uint64_t);

// The fewest bytes that one T takes in an archive.
template <class T>
inline constexpr std::size_t kLeastArchivedBytes = 1;
template <ArchivedNumber T>
inline constexpr std::size_t kLeastArchivedBytes<T> = sizeof(T);
template <>
inline constexpr std::size_t kLeastArchivedBytes<std::string> = sizeof(std::uint64_t);
template <class T>
inline constexpr std::size_t kLeastArchivedBytes<std::vector<T>> = sizeof(std::uint64_t);

class BoundedInputArchive : public cereal::InputArchive<BoundedInputArchive> {
 public:
  // The bytes must outlive the archive.
  explicit BoundedInputArchive(std::span<const std::byte> bytes)
      : cereal::InputArchive<BoundedInputArchive>(this), left_(bytes) {}

  std::size_t bytes_left() const { return left_.size(); }

  // All of these throw kBadFrame.
  std::span<const std::byte> take(std::size_t count);
  // A number of elements of at least so many bytes each.
  std::size_t take_count(std::size_t least_element_bytes);
  void enter();
  void leave() { --depth_; }

 private:
  std::span<const std::byte> left_;
  int depth_ = 0;
};

class StringOutputArchive : public cereal::OutputArchive<StringOutputArchive> {
 public:
  // Appends to the string, which must outlive the archive.
  explicit StringOutputArchive(std::string& bytes)
      : cereal::OutputArchive<StringOutputArchive>(this), bytes_(bytes) {}

  void put(const void* data, std::size_t count) {
    bytes_.append(static_cast<const char*>(data), count);
  }
  void put_count(std::uint64_t count) { put(&count, sizeof(count)); }

 private:
  std::string& bytes_;
};

inline std::span<const std::byte> BoundedInputArchive::take(std::size_t count) {
  if (count > left_.size()) {
    throw Error(ErrorCode::kBadFrame, "A message goes on for " + std::to_string(count) +
                                          " bytes, but only " + std::to_string(left_.size()) +
                                          " are left of it.");
  }
  const auto taken = left_.first(count);
  left_ = left_.subspan(count);
  return taken;
}

inline std::size_t BoundedInputArchive::take_count(std::size_t least_element_bytes) {
  std::uint64_t count = 0;
  std::memcpy(&count, take(sizeof(count)).data(), sizeof(count));
  if (count > left_.size() / least_element_bytes) {
    throw Error(ErrorCode::kBadFrame, "A message announces " + std::to_string(count) +
                                          " elements, but only " + std::to_string(left_.size()) +
                                          " bytes are left of it.");
  }
  return static_cast<std::size_t>(count);
}

inline void BoundedInputArchive::enter() {
  if (++depth_ > kMaxArchiveDepth) {
    throw Error(ErrorCode::kBadFrame,
                "A message is nested deeper than " + std::to_string(kMaxArchiveDepth) + " levels.");
  }
}

// cereal calls these around every value.
template <class T>
void prologue(BoundedInputArchive& archive, const T&) {
  archive.enter();
}

template <class T>
void epilogue(BoundedInputArchive& archive, const T&) {
  archive.leave();
}

// ---- numbers and enums ----

template <ArchivedNumber T>
void save(StringOutputArchive& archive, const T& value) {
  archive.put(&value, sizeof(value));
}

template <ArchivedNumber T>
void load(BoundedInputArchive& archive, T& value) {
  std::memcpy(&value, archive.take(sizeof(value)).data(), sizeof(value));
}

// A byte that is neither 0 nor 1 must not become a bool: reading it would be undefined.
inline void load(BoundedInputArchive& archive, bool& value) {
  const auto byte = std::to_integer<unsigned>(archive.take(1).front());
  if (byte > 1) {
    throw Error(ErrorCode::kBadFrame,
                "A yes or no is 0 or 1 in a message, not " + std::to_string(byte) + ".");
  }
  value = byte == 1;
}

// cereal writes an enum as its number; only reading one needs care.
template <class T>
requires std::is_enum_v<T>
void load_minimal(const BoundedInputArchive&, T& value, const std::underlying_type_t<T>& number) {
  constexpr auto kLast = static_cast<std::underlying_type_t<T>>(kLastEnumerator<T>);
  if (std::cmp_less(number, 0) || std::cmp_greater(number, kLast)) {
    throw Error(ErrorCode::kBadFrame, "A message holds " + std::to_string(number) +
                                          " where an enumeration ends at " + std::to_string(kLast) +
                                          ".");
  }
  value = static_cast<T>(number);
}

// ---- strings and containers ----

inline void save(StringOutputArchive& archive, const std::string& value) {
  archive.put_count(value.size());
  archive.put(value.data(), value.size());
}

inline void load(BoundedInputArchive& archive, std::string& value) {
  const auto bytes = archive.take(archive.take_count(1));
  value.assign(bytes.begin() == bytes.end() ? "" : reinterpret_cast<const char*>(bytes.data()),
               bytes.size());
}

template <class T>
void save(StringOutputArchive& archive, const std::vector<T>& value) {
  archive.put_count(value.size());
  if constexpr (ArchivedNumber<T> && !std::is_same_v<T, bool>) {
    archive.put(value.data(), value.size() * sizeof(T));
  } else {
    for (const T& element : value)
      archive(element);
  }
}

template <class T>
void load(BoundedInputArchive& archive, std::vector<T>& value) {
  const std::size_t count = archive.take_count(kLeastArchivedBytes<T>);
  value.clear();
  if constexpr (ArchivedNumber<T> && !std::is_same_v<T, bool>) {
    const auto bytes = archive.take(count * sizeof(T));
    value.resize(count);
    if (count > 0) std::memcpy(value.data(), bytes.data(), bytes.size());
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      T element{};
      archive(element);
      value.push_back(std::move(element));
    }
  }
}

template <class T, std::size_t N>
void save(StringOutputArchive& archive, const std::array<T, N>& value) {
  for (const T& element : value)
    archive(element);
}

template <class T, std::size_t N>
void load(BoundedInputArchive& archive, std::array<T, N>& value) {
  for (T& element : value)
    archive(element);
}

template <class Key, class Value>
void save(StringOutputArchive& archive, const std::map<Key, Value>& value) {
  archive.put_count(value.size());
  for (const auto& [key, mapped] : value)
    archive(key, mapped);
}

template <class Key, class Value>
void load(BoundedInputArchive& archive, std::map<Key, Value>& value) {
  const std::size_t count =
      archive.take_count(kLeastArchivedBytes<Key> + kLeastArchivedBytes<Value>);
  value.clear();
  for (std::size_t i = 0; i < count; ++i) {
    Key key{};
    Value mapped{};
    archive(key, mapped);
    if (!value.emplace(std::move(key), std::move(mapped)).second) {
      throw Error(ErrorCode::kBadFrame, "A message holds the same key twice in one map.");
    }
  }
}

template <class T>
void save(StringOutputArchive& archive, const std::optional<T>& value) {
  archive(value.has_value());
  if (value) archive(*value);
}

template <class T>
void load(BoundedInputArchive& archive, std::optional<T>& value) {
  bool present = false;
  archive(present);
  value.reset();
  if (present) archive(value.emplace());
}

template <class... Ts>
void save(StringOutputArchive& archive, const std::variant<Ts...>& value) {
  archive(static_cast<std::uint32_t>(value.index()));
  std::visit([&](const auto& held) { archive(held); }, value);
}

template <class... Ts>
void load(BoundedInputArchive& archive, std::variant<Ts...>& value) {
  std::uint32_t index = 0;
  archive(index);
  if (index >= sizeof...(Ts)) {
    throw Error(ErrorCode::kBadFrame, "A message holds alternative " + std::to_string(index) +
                                          " where there are " + std::to_string(sizeof...(Ts)) +
                                          ".");
  }
  const auto load_at = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (void)((index == I && (archive(value.template emplace<I>()), true)) || ...);
  };
  load_at(std::index_sequence_for<Ts...>{});
}

// ---- whole messages ----

// Throws kBadFrame where the bytes are no T, or are more than one.
template <class T>
T decode(std::span<const std::byte> bytes) {
  BoundedInputArchive archive(bytes);
  T value{};
  archive(value);
  if (archive.bytes_left() != 0) {
    throw Error(ErrorCode::kBadFrame,
                "A message has " + std::to_string(archive.bytes_left()) + " bytes left over.");
  }
  return value;
}

template <class T>
std::string encode_to_string(const T& value) {
  std::string bytes;
  StringOutputArchive archive(bytes);
  archive(value);
  return bytes;
}

}  // namespace tandem

CEREAL_SETUP_ARCHIVE_TRAITS(tandem::BoundedInputArchive, tandem::StringOutputArchive)

#include "protocol/bounded_archive.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <random>

#include <gtest/gtest.h>

#include "protocol/ids.hpp"

namespace {

// The largest single piece of memory that was asked for.
thread_local std::size_t largest_allocation = 0;

}  // namespace

// Not inlined: seen together, malloc and delete look mismatched to the compiler.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  largest_allocation = std::max(largest_allocation, bytes);
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace tandem {

enum class Colour : std::uint8_t { kRed, kGreen, kBlue };
template <>
inline constexpr Colour kLastEnumerator<Colour> = Colour::kBlue;

struct Nothing {
  bool operator==(const Nothing&) const = default;
};
template <class Archive>
void serialize(Archive&, Nothing&) {}

struct Everything {
  std::string text;
  std::vector<std::int32_t> numbers;
  std::vector<bool> flags;
  std::vector<std::string> words;
  std::vector<std::vector<double>> rows;
  std::map<std::string, std::uint64_t> sizes;
  std::optional<std::array<double, 3>> place;
  std::variant<std::uint32_t, std::string, Nothing> choice;
  Colour colour = Colour::kRed;
  bool yes = false;
  JobId job;

  bool operator==(const Everything&) const = default;
};
template <class Archive>
void serialize(Archive& ar, Everything& v) {
  ar(v.text, v.numbers, v.flags, v.words, v.rows, v.sizes, v.place, v.choice, v.colour, v.yes,
     v.job);
}

struct Tree {
  std::vector<Tree> children;
};
template <class Archive>
void serialize(Archive& ar, Tree& v) {
  ar(v.children);
}

namespace {

Everything some_of_everything() {
  Everything value;
  value.text = "a text";
  value.numbers = {1, -2, 3};
  value.flags = {true, false, true};
  value.words = {"one", "", "three"};
  value.rows = {{0.5}, {}, {1.0, -1.0}};
  value.sizes = {{"a", 1}, {"b", 2}};
  value.place = {{0.1, 0.2, 0.3}};
  value.choice = std::string("chosen");
  value.colour = Colour::kBlue;
  value.yes = true;
  value.job = JobId{77};
  return value;
}

template <class T>
T decode_string(const std::string& bytes) {
  return decode<T>(std::as_bytes(std::span(bytes)));
}

template <class T>
std::string refusal(const std::string& bytes) {
  try {
    decode_string<T>(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadFrame);
    return error.what();
  }
  ADD_FAILURE() << "the bytes were accepted";
  return {};
}

std::string number(std::uint64_t value, std::size_t bytes = 8) {
  return {reinterpret_cast<const char*>(&value), bytes};
}

TEST(BoundedArchive, GivesBackWhatWasWritten) {
  const Everything value = some_of_everything();
  EXPECT_EQ(decode_string<Everything>(encode_to_string(value)), value);
  EXPECT_EQ(decode_string<Everything>(encode_to_string(Everything{})), Everything{});
}

TEST(BoundedArchive, WritesLittleEndianAndSizesOfEightBytes) {
  EXPECT_EQ(encode_to_string(std::uint32_t{0x01020304}), std::string("\4\3\2\1"));
  EXPECT_EQ(encode_to_string(std::string("ab")), number(2) + "ab");
  EXPECT_EQ(encode_to_string(std::vector<std::uint16_t>{7}), number(1) + number(7, 2));
  EXPECT_EQ(encode_to_string(std::optional<bool>{}), std::string(1, '\0'));
}

TEST(BoundedArchive, RefusesEveryTruncationAndEveryByteTooMuch) {
  const std::string bytes = encode_to_string(some_of_everything());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(refusal<Everything>(bytes.substr(0, length)), "") << length;
  }
  EXPECT_EQ(refusal<Everything>(bytes + "x"), "A message has 1 bytes left over.");
}

TEST(BoundedArchive, ChecksASizeBeforeItTakesMemory) {
  const std::string huge = number(std::uint64_t{1} << 60);
  largest_allocation = 0;
  refusal<std::string>(huge);
  refusal<std::vector<std::int32_t>>(huge + "four");
  refusal<std::vector<std::string>>(huge);
  refusal<std::map<std::string, std::string>>(huge);
  refusal<std::vector<Tree>>(number(~std::uint64_t{0}));
  // Three numbers of 4 bytes are announced where 11 bytes are left.
  refusal<std::vector<std::int32_t>>(number(3) + std::string(11, 'x'));
  EXPECT_LT(largest_allocation, 4096U);
}

// A count that its bytes could hold if each element took one: memory still grows only with what
// was really read.
TEST(BoundedArchive, TakesMemoryOnlyForElementsThatWereRead) {
  largest_allocation = 0;
  const std::string filler(std::size_t{1} << 20, '\xff');
  refusal<std::vector<Everything>>(number(1000000) + filler);
  EXPECT_LT(largest_allocation, std::size_t{2} << 20);
}

TEST(BoundedArchive, RefusesValuesThatTheTypeDoesNotHave) {
  EXPECT_NE(refusal<bool>("\2"), "");
  EXPECT_NE(refusal<std::vector<bool>>(number(1) + "\2"), "");
  EXPECT_NE(refusal<Colour>("\3"), "");
  EXPECT_EQ(decode_string<Colour>("\2"), Colour::kBlue);
  EXPECT_NE(refusal<std::optional<bool>>("\2\1"), "");
  using Choice = std::variant<std::uint32_t, Nothing>;
  EXPECT_NE(refusal<Choice>(number(2, 4)), "");
  EXPECT_EQ(decode_string<Choice>(number(1, 4)).index(), 1U);
  using Map = std::map<std::uint32_t, bool>;
  const std::string entry = number(5, 4) + "\1";
  EXPECT_EQ(refusal<Map>(number(2) + entry + entry),
            "A message holds the same key twice in one map.");
}

TEST(BoundedArchive, LimitsDepth) {
  const auto nested = [](int levels) {
    std::string bytes;
    for (int i = 0; i < levels; ++i)
      bytes += number(1);
    return bytes + number(0);
  };
  EXPECT_EQ(decode_string<Tree>(nested(10)).children.size(), 1U);
  EXPECT_NE(refusal<Tree>(nested(100000)).find("nested deeper"), std::string::npos);
}

// Whatever the bytes: a value, or kBadFrame; no other exception, no piece of memory out of
// proportion to the message.
TEST(BoundedArchive, DecodesAnyBytesOrRefusesThem) {
  const std::string valid = encode_to_string(some_of_everything());
  std::mt19937 random(2);
  int accepted = 0;
  for (int i = 0; i < 10000; ++i) {
    std::string bytes = valid.substr(0, i % 3 == 0 ? random() % valid.size() : valid.size());
    for (unsigned flips = random() % 5; flips > 0 && !bytes.empty(); --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 4 == 0 ? random() : 1);
    }
    largest_allocation = 0;
    try {
      const auto value = decode_string<Everything>(bytes);
      EXPECT_EQ(decode_string<Everything>(encode_to_string(value)).words, value.words);
      ++accepted;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFrame);
    }
    ASSERT_LE(largest_allocation, 4096U) << i;
  }
  EXPECT_GT(accepted, 1000);
}

TEST(BoundedArchive, DecodesNoiseOrRefusesIt) {
  std::mt19937 random(3);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes(random() % 200, '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random() % 8 == 0 ? random() : 0);
    largest_allocation = 0;
    try {
      decode_string<Everything>(bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFrame);
    }
    ASSERT_LE(largest_allocation, 8192U) << i;
  }
}

}  // namespace
}  // namespace tandem

#include "protocol/safetensors.hpp"

#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string with_length(const std::string& json) {
  std::string bytes(8, '\0');
  const std::uint64_t length = json.size();
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + json;
}

SafetensorsHeader parse(const std::string& head, std::uint64_t data_bytes) {
  return parse_safetensors_header(std::as_bytes(std::span(head)), head.size() + data_bytes,
                                  "x.safetensors");
}

SafetensorsHeader parse_json(const std::string& json, std::uint64_t data_bytes) {
  return parse(with_length(json), data_bytes);
}

TEST(Safetensors, ReadsTensorsAndMetadata) {
  const SafetensorsHeader header = parse_json(
      R"({"__metadata__":{"format":"pt","a":"b"},
          "w":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},
          "s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},
          "e":{"dtype":"I64","shape":[0,7],"data_offsets":[4,4]}}   )",
      16);
  ASSERT_NE(header.find("w"), nullptr);
  EXPECT_EQ(header.find("w")->layout, (TensorLayout{DType::kF16, {2, 3}}));
  EXPECT_EQ(header.find("w")->begin, 4U);
  EXPECT_EQ(header.find("w")->end, 16U);
  EXPECT_EQ(header.tensors.size(), 3U);
  EXPECT_EQ(header.metadata.at("format"), "pt");
  EXPECT_EQ(header.metadata.size(), 2U);
  EXPECT_EQ(header.find("x"), nullptr);
}

TEST(Safetensors, ReadsEscapedNames) {
  const auto header =
      parse_json(R"({"a\u00e9\"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1);
  EXPECT_NE(header.find("a\xc3\xa9\"b"), nullptr);
}

TEST(Safetensors, AnEmptyFileOfTensorsIsFine) {
  EXPECT_TRUE(parse_json("{}", 0).tensors.empty());
}

TEST(Safetensors, WhatIsBuiltIsReadBack) {
  const std::vector<NamedLayout> tensors = {{"b", {DType::kF32, {3, 5}}},
                                            {"a", {DType::kU8, {7}}},
                                            {"quoted \"name\"", {DType::kBF16, {}}}};
  const SafetensorsHead head = build_safetensors_header(tensors, {{"job", "{\"x\": 1}"}});
  EXPECT_EQ(head.bytes.size() % 64, 0U);
  EXPECT_EQ(head.file_size, head.bytes.size() + 60 + 7 + 2);
  EXPECT_THAT(head.offsets,
              ElementsAre(head.bytes.size(), head.bytes.size() + 60, head.bytes.size() + 67));
  const SafetensorsHeader header = parse(head.bytes, 69);
  EXPECT_EQ(header.data_offset, head.bytes.size());
  EXPECT_EQ(header.metadata.at("job"), "{\"x\": 1}");
  for (const auto& [name, layout] : tensors)
    EXPECT_EQ(header.find(name)->layout, layout);
}

TEST(Safetensors, EqualNamesAreNotBuilt) {
  const std::vector<NamedLayout> tensors = {{"a", {DType::kU8, {1}}}, {"a", {DType::kU8, {1}}}};
  EXPECT_THROW(build_safetensors_header(tensors), Error);
}

struct Damage {
  const char* name;
  std::string json;
  std::uint64_t data_bytes;
  const char* complaint;
};

void PrintTo(const Damage& damage, std::ostream* out) {
  *out << damage.name;
}

class DamagedHeader : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedHeader, IsRefusedWithAReason) {
  try {
    parse_json(GetParam().json, GetParam().data_bytes);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr("x.safetensors"));
    EXPECT_THAT(error.what(), HasSubstr(GetParam().complaint));
  }
}

std::string tensor(const std::string& name, const std::string& begin, const std::string& end) {
  return "\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" + begin + "," + end +
         "]}";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, DamagedHeader,
    ::testing::Values(
        Damage{"NoJson", "{\"a\":", 0, "no JSON"}, Damage{"Text", "hello", 0, "no JSON"},
        Damage{"List", "[]", 0, "an array"}, Damage{"Number", "7", 0, "a number"},
        Damage{"Behind", "{} {}", 0, "behind the header's JSON"},
        Damage{"Twice", "{" + tensor("a", "0", "4") + "," + tensor("a", "0", "4") + "}", 4,
               "'a' that is there twice"},
        Damage{"MetadataTwice", R"({"__metadata__":{},"__metadata__":{}})", 0, "twice"},
        Damage{"MetadataKeyTwice", R"({"__metadata__":{"a":"1","a":"2"}})", 0,
               "metadata 'a' twice"},
        Damage{"MetadataNumber", R"({"__metadata__":{"a":1}})", 0, "a number"},
        Damage{"KeyTwice", R"({"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})",
               1, "'dtype' that is there twice"},
        Damage{"UnknownKey", R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"z":[1]}})", 1,
               "'z' that is unknown"},
        Damage{"NoShape", R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1, "'a' without"},
        Damage{"UnknownType", R"({"a":{"dtype":"F4","shape":[],"data_offsets":[0,1]}})", 1, "'F4'"},
        Damage{"Nested", R"({"a":{"dtype":{"b":{}},"shape":[],"data_offsets":[0,1]}})", 1,
               "an object"},
        Damage{"NestedLists", R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1,
               "too deep"},
        Damage{"ThreeOffsets", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})", 1,
               "not two numbers"},
        Damage{"NegativeSize", R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1,
               "negative"},
        Damage{"FractionalSize", R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1,
               "no whole number"},
        Damage{"HugeNumber",
               R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,18446744073709551615]}})", 1,
               "too large"},
        Damage{"NineDimensions",
               R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1,
               "more than 8 dimensions"},
        Damage{"Overflow",
               R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
               "tensor 'a'"},
        Damage{"WrongLength", "{" + tensor("a", "0", "3") + "}", 3,
               "'a' has 4 bytes and should begin at byte 0"},
        Damage{"Hole", "{" + tensor("a", "0", "4") + "," + tensor("b", "5", "9") + "}", 9,
               "'b' has 4 bytes and should begin at byte 4"},
        Damage{"Overlap", "{" + tensor("a", "0", "4") + "," + tensor("b", "2", "6") + "}", 6,
               "'b' has 4 bytes and should begin at byte 4"},
        Damage{"Backwards", "{" + tensor("a", "4", "0") + "}", 4, "'a'"},
        Damage{"StartsLate", "{" + tensor("a", "1", "5") + "}", 5, "should begin at byte 0"},
        Damage{"Truncated", "{" + tensor("a", "0", "4") + "}", 3, "the download is incomplete"},
        Damage{"TooLong", "{" + tensor("a", "0", "4") + "}", 5, "behind its last tensor"}),
    [](const auto& test) { return test.param.name; });

TEST(Safetensors, ATruncationSaysHowManyBytesAreMissing) {
  const std::string head = with_length("{" + tensor("a", "0", "4") + "}");
  try {
    parse(head, 1);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("expected " + std::to_string(head.size() + 4) +
                                        " bytes, the file has " + std::to_string(head.size() + 1)));
  }
}

class AnnouncedLength : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(AnnouncedLength, BeyondTheFileOrTheLimitIsRefused) {
  std::string first(8, '\0');
  const std::uint64_t length = GetParam();
  std::memcpy(first.data(), &length, sizeof(length));
  EXPECT_THROW(safetensors_head_bytes(std::as_bytes(std::span(first)), 100, "x"), Error);
}

INSTANTIATE_TEST_SUITE_P(Lengths, AnnouncedLength,
                         ::testing::Values(93U, kMaxSafetensorsHeaderBytes + 1, 0x8000000000000000U,
                                           0xffffffffffffffffU));

TEST(Safetensors, ALengthThatFitsIsAccepted) {
  const std::string first("\x5c\0\0\0\0\0\0\0", 8);
  EXPECT_EQ(safetensors_head_bytes(std::as_bytes(std::span(first)), 100, "x"), 100U);
}

TEST(Safetensors, AFileShorterThanItsLengthFieldIsRefused) {
  for (const std::size_t size : {0U, 7U}) {
    const std::string first(size, '\0');
    EXPECT_THROW(safetensors_head_bytes(std::as_bytes(std::span(first)), size, "x"), Error);
  }
}

// Any prefix of a good file is an error, never a crash or a success.
TEST(Safetensors, EveryCutIsRefused) {
  const std::vector<NamedLayout> tensors = {{"a", {DType::kU8, {4}}}};
  const std::string whole = build_safetensors_header(tensors).bytes + "abcd";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    EXPECT_THROW(parse_safetensors_header(std::as_bytes(std::span(cut)), size, "x"), Error) << size;
  }
}

}  // namespace
}  // namespace tandem

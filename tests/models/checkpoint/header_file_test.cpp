#include "models/checkpoint/header_file.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/checkpoint/mapped_file.hpp"
#include "protocol/error.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"

namespace tandem::models {
namespace {

using ::testing::ElementsAre;

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(HeaderFile, ReadsNumbersOfEachRealType) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  write_hollow_file(path, {{"f", {DType::kF32, {2}}},
                           {"h", {DType::kF16, {6}}},
                           {"b", {DType::kBF16, {2}}},
                           {"i", {DType::kI32, {1}}}});
  const HeaderFile file(path);
  const std::uint64_t data = file.header().data_offset;
  const std::array<float, 2> floats = {1.5F, -2.0F};
  overwrite(path, data, floats.data(), 8);
  // 1, -2, 65504, the smallest normal and subnormal number, 1/3 rounded
  const std::array<std::uint16_t, 6> halves = {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555};
  overwrite(path, data + 8, halves.data(), 12);
  const std::array<std::uint16_t, 2> brains = {0x3f80, 0xc040};
  overwrite(path, data + 20, brains.data(), 4);
  EXPECT_THAT(file.read_numbers("f"), ElementsAre(1.5F, -2.0F));
  EXPECT_THAT(file.read_numbers("h"),
              ElementsAre(1.0F, -2.0F, 65504.0F, 0x1p-14F, 0x1p-24F, 0.333251953125F));
  EXPECT_THAT(file.read_numbers("b"), ElementsAre(1.0F, -3.0F));
  EXPECT_EQ(code_of([&] { file.read_numbers("i"); }), ErrorCode::kBadCheckpoint);
  EXPECT_EQ(code_of([&] { file.read_numbers("z"); }), ErrorCode::kMissingTensor);
}

TEST(HeaderFile, APyTorchFileIsRefusedWithTheCommandThatConvertsIt) {
  const TemporaryFolder folder;
  const std::string path = folder.file("old.pth");
  const auto failure_of = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      const HeaderFile file(path);
    } catch (const Error& error) {
      return error.failure();
    }
    return Failure{};
  };
  using std::string_literals::operator""s;
  for (const std::string& bytes :
       {"PK\x03\x04\x00\x00\x08\x08 archive/data.pkl"s,
        "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9 and so on"s, "\x80\x02}"s}) {
    const Failure failure = failure_of(bytes);
    EXPECT_EQ(failure.code, ErrorCode::kBadCheckpoint);
    EXPECT_EQ(failure.hint, "Convert it: tools/convert " + path);
    EXPECT_EQ(failure.path, path);
  }
  EXPECT_EQ(failure_of("neither of them").hint, "");
}

TEST(HeaderFile, ALengthThatLooksLikeAPickleIsALength) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  // A header of 0x0280 bytes begins as a pickle does.
  std::string header = R"({"f":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  header.resize(0x0280, ' ');
  std::ofstream(path, std::ios::binary)
      << '\x80' << '\x02' << std::string(6, '\0') << header << std::string(4, '\0');
  EXPECT_NE(HeaderFile(path).header().find("f"), nullptr);
}

TEST(HeaderFile, AFileCutAfterItWasOpenedIsAnError) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  write_hollow_file(path, {{"f", {DType::kF32, {1000}}}});
  const HeaderFile file(path);
  std::filesystem::resize_file(path, file.header().data_offset + 16);
  EXPECT_EQ(code_of([&] { file.read_numbers("f"); }), ErrorCode::kBadCheckpoint);
}

TEST(HeaderFile, SmallAndEmptyFilesAreRefused) {
  const TemporaryFolder folder;
  for (const std::size_t size : {0U, 5U, 8U}) {
    const std::string path = folder.file("x" + std::to_string(size));
    std::ofstream(path) << std::string(size, '\x01');
    EXPECT_EQ(code_of([&] { const HeaderFile file(path); }), ErrorCode::kBadCheckpoint) << size;
  }
}

TEST(HeaderFile, ANamedPipeDoesNotBlock) {
  const TemporaryFolder folder;
  const std::string path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(code_of([&] { const HeaderFile file(path); }), ErrorCode::kBadCheckpoint);
}

TEST(MappedFile, HoldsTheBytesAfterTheDescriptorIsClosed) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  std::ofstream(path) << "twelve bytes";
  const MappedFile mapped = [&] { return MappedFile(ReadOnlyFile(path)); }();
  const auto bytes = mapped.bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "twelve bytes");
}

TEST(MappedFile, AnEmptyFileIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.file("x");
  std::ofstream(path).close();
  EXPECT_EQ(code_of([&] { const MappedFile mapped{ReadOnlyFile(path)}; }),
            ErrorCode::kBadCheckpoint);
}

}  // namespace
}  // namespace tandem::models

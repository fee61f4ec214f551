#include "coordinator/service/embedding_folders.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/coordinator/config/config_folder.hpp"

namespace tandem::coordinator {
namespace {

class EmbeddingFoldersTest : public ::testing::Test {
 protected:
  EmbeddingFoldersTest() {
    for (const char* file :
         {"one/style.safetensors", "one/style.pt", "one/old.pt", "one/older.bin", "one/exact.foo",
          "one/sub/deep.safetensors", "one/sub/style.safetensors", "one/a/twice.pt",
          "one/b/twice.safetensors", "two/style.safetensors", "two/second.safetensors",
          "secret.safetensors"})
      folder_.write(file, "");
  }

  std::string found(std::string_view name) {
    EmbeddingFolders folders({folder_ / "one", folder_ / "none", folder_ / "two/"});
    return folders.find(name).value_or("");
  }

  ConfigFolder folder_;
};

TEST_F(EmbeddingFoldersTest, EndingsAreTriedInTheirOrder) {
  EXPECT_EQ(found("style"), folder_ / "one/style.safetensors");
  EXPECT_EQ(found("style.pt"), folder_ / "one/style.pt");
  EXPECT_EQ(found("old"), folder_ / "one/old.pt");
  EXPECT_EQ(found("older"), folder_ / "one/older.bin");
  EXPECT_EQ(found("exact.foo"), folder_ / "one/exact.foo");
  EXPECT_EQ(found("exact"), "");
}

TEST_F(EmbeddingFoldersTest, FoldersBelowAreLookedThroughInTheOrderOfTheirNames) {
  EXPECT_EQ(found("deep"), folder_ / "one/sub/deep.safetensors");
  EXPECT_EQ(found("sub/deep"), folder_ / "one/sub/deep.safetensors");
  EXPECT_EQ(found("sub/style"), folder_ / "one/sub/style.safetensors");
  EXPECT_EQ(found("twice"), folder_ / "one/a/twice.pt");
  EXPECT_EQ(found("second"), folder_ / "two/second.safetensors");
}

TEST_F(EmbeddingFoldersTest, NoNameLeadsOutOfAFolder) {
  EXPECT_EQ(found("../secret"), "");
  EXPECT_EQ(found("sub/../../secret"), "");
  EXPECT_EQ(found(folder_ / "secret.safetensors"), "");
  EXPECT_EQ(found("sub/../style"), folder_ / "one/style.safetensors");
  EXPECT_EQ(found(folder_ / "two/second"), folder_ / "two/second.safetensors");
}

TEST_F(EmbeddingFoldersTest, WhatIsNoName) {
  for (const std::string_view name : {"", ".", "..", "/", "sub", "sub/"})
    EXPECT_EQ(found(name), "") << name;
  EXPECT_EQ(found(std::string_view("style\0b", 7)), "");
  EXPECT_EQ(found(std::string(5000, 'a')), "");
}

TEST_F(EmbeddingFoldersTest, LinksAreFollowedAndMakeNoCircle) {
  std::filesystem::create_directory_symlink(folder_ / "one", folder_ / "one/sub/again");
  std::filesystem::create_directories(folder_ / "elsewhere");
  folder_.write("elsewhere/linked.safetensors", "");
  std::filesystem::create_directory_symlink(folder_ / "elsewhere", folder_ / "one/link");
  EXPECT_EQ(found("linked"), folder_ / "one/link/linked.safetensors");
  EXPECT_EQ(found("nowhere"), "");
}

TEST_F(EmbeddingFoldersTest, ATreeThatIsTooLargeIsRefused) {
  EXPECT_TRUE(EmbeddingFolders({folder_ / "one"}, 4).find("deep").has_value());
  try {
    EmbeddingFolders({folder_ / "one"}, 3).find("deep");
    FAIL() << "all folders were listed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
  }
}

}  // namespace
}  // namespace tandem::coordinator

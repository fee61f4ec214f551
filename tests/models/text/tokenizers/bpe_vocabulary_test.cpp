#include "models/text/tokenizers/bpe_vocabulary.hpp"

#include <fstream>
#include <unistd.h>
#include <zlib.h>

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMergeList = "#version: 0.2\na b\nab c</w>\n";
constexpr const char* kVocabulary =
    R"({"a": 0, "b": 1, "ab": 2, "abc</w>": 3, "<|startoftext|>": 4, "<|endoftext|>": 5})";

class BpeVocabularyFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("tandem-vocabulary-" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }

  void expect_refused(const fs::path& path, ErrorCode code) const {
    try {
      read_bpe_vocabulary(path);
      FAIL() << "no error for " << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      EXPECT_NE(std::string(error.what()).find(folder_.string()), std::string::npos)
          << error.what();
    }
  }

  fs::path folder_;
};

TEST_F(BpeVocabularyFiles, NumbersAMergeListByItsOrder) {
  const BpeVocabulary vocabulary = read_bpe_vocabulary(write("merges.bpe", kMergeList));
  EXPECT_EQ(vocabulary.ids.at("!"), 0);
  EXPECT_EQ(vocabulary.ids.at("!</w>"), 256);
  EXPECT_EQ(vocabulary.ids.at(byte_piece(0)), 188);
  EXPECT_EQ(vocabulary.ids.at("ab"), 512);
  EXPECT_EQ(vocabulary.ids.at("abc</w>"), 513);
  EXPECT_EQ(vocabulary.ids.at(kClipStart), 514);
  EXPECT_EQ(vocabulary.ids.at(kClipEnd), 515);
  EXPECT_EQ(vocabulary.merges.size(), 2U);
}

TEST_F(BpeVocabularyFiles, ReadsAGzippedMergeList) {
  const fs::path path = folder_ / "merges.txt.gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  gzputs(file, kMergeList);
  gzclose(file);
  EXPECT_EQ(read_bpe_vocabulary(path).ids.at("abc</w>"), 513);
}

TEST_F(BpeVocabularyFiles, ReadsAFolderOfTransformers) {
  write("vocab.json", kVocabulary);
  write("merges.txt", kMergeList);
  const BpeVocabulary vocabulary = read_bpe_vocabulary(folder_);
  EXPECT_EQ(vocabulary.ids.at("abc</w>"), 3);
  EXPECT_EQ(vocabulary.merges.at(1), std::make_pair(std::string("ab"), std::string("c</w>")));
}

TEST_F(BpeVocabularyFiles, ReadsBothFormsOfATokenizerJson) {
  for (const char* merges : {R"(["a b", "ab c</w>"])", R"([["a", "b"], ["ab", "c</w>"]])"}) {
    write("tokenizer.json",
          std::string(R"({"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": )") +
              kVocabulary + R"(, "merges": )" + merges + "}}");
    const BpeVocabulary vocabulary = read_bpe_vocabulary(folder_);
    EXPECT_EQ(vocabulary.ids.at("ab"), 2);
    EXPECT_EQ(vocabulary.merges.at(1), std::make_pair(std::string("ab"), std::string("c</w>")));
  }
}

TEST_F(BpeVocabularyFiles, RefusesWhatIsMissing) {
  expect_refused(folder_ / "none.txt", ErrorCode::kMissingFile);
  expect_refused(folder_, ErrorCode::kMissingFile);
  write("vocab.json", kVocabulary);
  expect_refused(folder_, ErrorCode::kMissingFile);
}

TEST_F(BpeVocabularyFiles, RefusesADamagedMergeList) {
  expect_refused(write("empty.txt", ""), ErrorCode::kBadCheckpoint);
  expect_refused(write("three.txt", "#\na b c\n"), ErrorCode::kBadCheckpoint);
  expect_refused(write("one.txt", "#\na\n"), ErrorCode::kBadCheckpoint);
  expect_refused(write("long.txt", "#\na " + std::string(2000, 'b') + "\n"),
                 ErrorCode::kBadCheckpoint);
  expect_refused(write("cut.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\3garbage", 17)),
                 ErrorCode::kBadCheckpoint);
}

TEST_F(BpeVocabularyFiles, RefusesAFileThatUnpacksToTooMuch) {
  const fs::path path = folder_ / "bomb.gz";
  const gzFile file = gzopen(path.c_str(), "wb1");
  const std::string block(1 << 20, 'a');
  for (int i = 0; i < 65; ++i)
    gzwrite(file, block.data(), static_cast<unsigned>(block.size()));
  gzclose(file);
  expect_refused(path, ErrorCode::kBadCheckpoint);
}

TEST_F(BpeVocabularyFiles, RefusesAForeignTokenizerJson) {
  for (
      const char* content :
      {"{", "[]", R"({"model": {"type": "Unigram"}})",
       R"({"model": {"type": "BPE", "end_of_word_suffix": null, "vocab": {}, "merges": []}})",
       R"({"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": -1}, "merges": []}})",
       R"({"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": "1"}, "merges": []}})",
       R"({"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {}, "merges": [1]}})",
       R"({"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {}, "merges": []}})"}) {
    expect_refused(write("tokenizer.json", content), ErrorCode::kBadCheckpoint);
  }
}

TEST(BytePiece, WritesPrintableBytesAsThemselves) {
  EXPECT_EQ(byte_piece('a'), "a");
  EXPECT_EQ(byte_piece(0xE9), "\u00e9");
  EXPECT_EQ(byte_piece(0), "\u0100");
  EXPECT_EQ(byte_piece(' '), "\u0120");
  EXPECT_EQ(byte_piece(0xAD), "\u0143");
}

}  // namespace
}  // namespace tandem::models

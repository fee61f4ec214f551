#include "coordinator/service/embeddings.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/coordinator/config/config_folder.hpp"

namespace tandem::coordinator {
namespace {

// A safetensors file with these tensors, all zeros.
std::string file_of(const std::vector<NamedLayout>& tensors) {
  const SafetensorsHead head = build_safetensors_header(tensors);
  std::string file = head.bytes;
  file.resize(head.file_size);
  return file;
}

class EmbeddingsTest : public ::testing::Test {
 protected:
  EmbeddingsTest() {
    const std::string file = file_of({{"emb_params", {DType::kF32, {2, 8}}}});
    for (const char* name : {"folder/style.safetensors", "folder/sub/other.safetensors"})
      folder_.write(name, file);
    folder_.write("folder/old.pt", "PK\3\4 and so on");
  }

  ModelFolders folders(const std::vector<std::string>& roots = {}) const {
    return {{{"embeddings", {folder_ / "folder"}}}, roots};
  }

  Embeddings found(const std::string& text, const Embeddings& given = {}) const {
    return found(text, given, folders());
  }
  static Embeddings found(const std::string& text, const Embeddings& given,
                          const ModelFolders& folders) {
    const job::Prompt prompt = job::TextPrompt{text};
    return find_embeddings(std::vector<PromptUse>{{&prompt, "positive[0]"}}, given, folders);
  }

  static std::vector<std::string> names(const Embeddings& embeddings) {
    std::vector<std::string> names;
    for (const auto& [name, source] : embeddings)
      names.push_back(name);
    return names;
  }

  ConfigFolder folder_;
};

using NamesOf = std::vector<std::string>;

TEST_F(EmbeddingsTest, WhatTextsNameIsFound) {
  const Embeddings embeddings =
      found("a (embedding:style:1.3) of embedding:other, and embedding:none");
  EXPECT_EQ(names(embeddings), (NamesOf{"other", "style"}));
  EXPECT_EQ(embeddings.at("style").file.path, folder_ / "folder/style.safetensors");
  EXPECT_EQ(embeddings.at("other").file.path, folder_ / "folder/sub/other.safetensors");
  EXPECT_EQ(embeddings.at("style").width("l"), 8);
  EXPECT_EQ(names(found("a style")), NamesOf());
}

TEST_F(EmbeddingsTest, BothTextsOfAPromptCount) {
  const job::Prompt prompt = job::DualTextPrompt{"embedding:style", "embedding:other"};
  const std::vector<PromptUse> uses = {{&prompt, "positive[0]"}};
  EXPECT_EQ(names(find_embeddings(uses, {}, folders())), (NamesOf{"other", "style"}));
}

TEST_F(EmbeddingsTest, WhatTheJobNamesIsNotLookedFor) {
  const Embeddings given = {{"style", {.file = {.path = "/elsewhere"}}}};
  EXPECT_EQ(names(found("embedding:style embedding:other", given)), NamesOf{"other"});
}

TEST_F(EmbeddingsTest, AFileOfPyTorchIsRefusedWithTheCommandThatConvertsIt) {
  try {
    found("embedding:old");
    FAIL() << "a pickle was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadCheckpoint);
    EXPECT_EQ(error.failure().hint, "Convert it: tools/convert " + (folder_ / "folder/old.pt"));
  }
}

TEST_F(EmbeddingsTest, AFileOutsideTheRootsIsRefused) {
  EXPECT_EQ(names(found("embedding:style", {}, folders({folder_.path()}))), NamesOf{"style"});
  try {
    found("embedding:style", {}, folders({folder_ / "folder/sub"}));
    FAIL() << "a file outside the roots was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
    EXPECT_EQ(error.failure().path, "positive[0]");
  }
}

TEST_F(EmbeddingsTest, ThereIsALimitOfNames) {
  std::string text;
  for (int i = 0; i <= 4096; ++i)
    text += "embedding:n" + std::to_string(i) + " ";
  try {
    found(text);
    FAIL() << "all were looked for";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
    EXPECT_EQ(error.failure().path, "positive[0]");
  }
}

TEST_F(EmbeddingsTest, APromptTakesWhatItNames) {
  const Embeddings embeddings = found("embedding:style embedding:other");
  const job::Prompt prompt = job::TextPrompt{"embedding:style, embedding:none embedding:gone"};
  const std::vector<EmbeddingFile> files = prompt_embeddings(embeddings, prompt);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0], (EmbeddingFile{"style", embeddings.at("style").file}));
  EXPECT_EQ(missing_embeddings(embeddings, prompt), 2U);
  EXPECT_EQ(missing_embeddings(embeddings, job::EncodedPrompt{"c", {}}), 0U);
}

TEST(EmbeddingSource, EachEncoderHasItsOwnTensor) {
  const std::vector<NamedLayout> both = {{"clip_g", {DType::kF32, {1, 12}}},
                                         {"clip_l", {DType::kF32, {8}}}};
  const EmbeddingSource source = embedding_of({}, both);
  EXPECT_EQ(source.width("g"), 12);
  EXPECT_EQ(source.width("l"), 8);
  EXPECT_EQ(source.width("h"), 8);
  const std::vector<NamedLayout> unnamed = {{"a", {DType::kF32, {1, 12}}},
                                            {"b", {DType::kF32, {8}}}};
  EXPECT_EQ(embedding_of({}, unnamed).width("l"), 0);
}

}  // namespace
}  // namespace tandem::coordinator

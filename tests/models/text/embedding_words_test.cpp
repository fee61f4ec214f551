#include "models/text/embedding_words.hpp"

#include <gtest/gtest.h>

#include "models/text/prompt.hpp"

namespace tandem::models {
namespace {

bool is_known(std::string_view name) {
  return name == "style" || name == "two,parts";
}

struct WordCase {
  std::string text, name;
  bool known;
  std::string rest;
};

TEST(EmbeddingWords, AreReadAsComfyUiDoes) {
  const std::vector<WordCase> cases = {
      {"embedding:style", "style", true, ""},
      {"embedding:style a  red\tcat", "style", true, "a red cat"},
      {"embedding:style, a cat", "style", true, ", a cat"},
      {"embedding:style,", "style", true, ", "},
      {"embedding:two,parts", "two,parts", true, ""},
      {"embedding:other, a", "other", false, ", a"},
      {"embedding:", "", false, ""},
      {"embedding: style", "style", true, ""},
  };
  for (const WordCase& word : cases) {
    const EmbeddingWord read = read_embedding_word(word.text, is_known);
    EXPECT_EQ(read.name, word.name) << word.text;
    EXPECT_EQ(read.known, word.known) << word.text;
    EXPECT_EQ(read.rest, word.rest) << word.text;
  }
}

TEST(EmbeddingWords, APromptsNamesAreFoundOnce) {
  const auto asked = asked_embeddings(
      "embedding:style (a cat\nembedding:style:1.2) embedding:gone embedding:gone xembedding:no",
      is_known);
  EXPECT_EQ(asked.known, std::vector<std::string>{"style"});
  EXPECT_EQ(asked.missing, std::vector<std::string>{"gone"});
}

TEST(TokenizePrompt, VectorsTakeTheWordsPlaceAndAMissingWordIsDropped) {
  const BpeTokenizer tokenizer(read_bpe_vocabulary(shipped_bpe_vocabulary()));
  const EmbeddingIds ids = {{"style", {-1, -2}}};
  const auto chunk = [&](std::string_view prompt) {
    return tokenize_prompt(tokenizer, prompt, 0, &ids).front();
  };
  const TokenChunk plain = tokenize_prompt(tokenizer, "a cat", 0).front();
  const TokenChunk spliced = chunk("(embedding:style:1.5) a cat");
  EXPECT_EQ(spliced[1], (WeightedToken{-1, 1.5}));
  EXPECT_EQ(spliced[2], (WeightedToken{-2, 1.5}));
  EXPECT_EQ(spliced[3], plain[1]);
  EXPECT_EQ(chunk("embedding:gone a cat"), plain);
  EXPECT_NE(tokenize_prompt(tokenizer, "embedding:gone a cat", 0).front(), plain);
}

}  // namespace
}  // namespace tandem::models

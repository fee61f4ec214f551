#include "models/text/tokenizers/bpe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/text/reference_cases.hpp"

namespace tandem::models {
namespace {

using Ids = std::vector<std::int64_t>;

// A vocabulary of two letters: ids 0 to 255 are the bytes, 256 to 511 the bytes that end a word,
// then these.
BpeVocabulary tiny_vocabulary(const std::vector<std::pair<std::string, std::string>>& merges) {
  BpeVocabulary vocabulary;
  vocabulary.merges = merges;
  std::int64_t next = 0;
  for (const char* piece : {"a", "b", "a</w>", "b</w>"})
    vocabulary.ids[piece] = next++;
  for (const auto& [first, second] : merges)
    vocabulary.ids[first + second] = next++;
  vocabulary.ids[kClipStart] = next++;
  vocabulary.ids[kClipEnd] = next++;
  return vocabulary;
}

TEST(BpeTokenizer, GivesTheIdsOfTheReference) {
  const auto cases = read_reference_cases("tokenizer_cases.json");
  ASSERT_GT(cases.size(), 300U);
  for (const auto& one : cases) {
    const std::string text(one.at(0).as_string());
    EXPECT_EQ(clip_tokenizer().encode(text), boost::json::value_to<Ids>(one.at(1))) << text;
  }
}

TEST(BpeTokenizer, KnowsItsStartAndEnd) {
  EXPECT_EQ(clip_tokenizer().start_id(), 49406);
  EXPECT_EQ(clip_tokenizer().end_id(), 49407);
}

TEST(BpeTokenizer, JoinsThePairOfTheBestRankFirst) {
  // "ab" comes before "bb</w>", so that the second b is taken.
  const BpeTokenizer tokenizer(tiny_vocabulary({{"a", "b"}, {"b", "b</w>"}, {"ab", "b</w>"}}));
  EXPECT_EQ(tokenizer.encode("abb"), (Ids{6}));
  EXPECT_EQ(tokenizer.encode("bb"), (Ids{5}));
}

TEST(BpeTokenizer, JoinsOverlappingPairsFromTheLeft) {
  const BpeTokenizer tokenizer(tiny_vocabulary({{"a", "a"}}));
  EXPECT_EQ(tokenizer.encode("aaaa"), (Ids{4, 0, 2}));
}

TEST(BpeTokenizer, GivesTheEndTokenForAnUnknownPiece) {
  const BpeTokenizer tokenizer(tiny_vocabulary({}));
  EXPECT_EQ(tokenizer.encode("a!"), (Ids{2, tokenizer.end_id()}));
}

TEST(BpeTokenizer, EncodesAWordOfTheLongestTextInTime) {
  const std::string word(BpeTokenizer::kMaxTextBytes, 'a');
  EXPECT_GT(clip_tokenizer().encode(word).size(), 1000U);
}

TEST(BpeTokenizer, RefusesTooLongAText) {
  const std::string text(BpeTokenizer::kMaxTextBytes + 1, 'a');
  try {
    clip_tokenizer().encode(text);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
  }
}

TEST(BpeTokenizer, RefusesWhatIsNoUtf8) {
  for (const char* text : {"a\xff", "\xc3", "\xed\xa0\x80"}) {
    try {
      clip_tokenizer().encode(text);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadRequest);
    }
  }
}

TEST(BpeTokenizer, NeedsStartAndEndInTheVocabulary) {
  BpeVocabulary vocabulary = tiny_vocabulary({});
  vocabulary.ids.erase(kClipEnd);
  EXPECT_THROW(BpeTokenizer{vocabulary}, Error);
}

}  // namespace
}  // namespace tandem::models

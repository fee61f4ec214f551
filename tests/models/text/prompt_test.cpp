#include "models/text/prompt.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/text/reference_cases.hpp"

namespace tandem::models {
namespace {

namespace json = boost::json;
using Parts = std::vector<WeightedText>;

void expect_parts(const char* prompt, const Parts& want) {
  const Parts got = parse_prompt(prompt);
  ASSERT_EQ(got.size(), want.size()) << prompt;
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].text, want[i].text) << prompt;
    EXPECT_DOUBLE_EQ(got[i].weight, want[i].weight) << prompt;
  }
}

TEST(Prompt, ReadsWeights) {
  expect_parts("a (red) b", {{"a ", 1.0}, {"red", 1.1}, {" b", 1.0}});
  expect_parts("(blue:1.4)", {{"blue", 1.4}});
  expect_parts("((a) (b:2))", {{"a", 1.1 * 1.1}, {" ", 1.1}, {"b", 2.0}});
  expect_parts("(time 10:30)", {{"time 10", 30.0}});
}

TEST(Prompt, KeepsWhatIsNoWeight) {
  expect_parts("(:1.3)", {{":1.3", 1.1}});
  expect_parts("(a:b)", {{"a:b", 1.1}});
  expect_parts("[a] {b|c}", {{"[a] {b|c}", 1.0}});
  expect_parts("", {});
  expect_parts("()", {});
}

TEST(Prompt, LeavesUnbalancedParenthesesAsText) {
  expect_parts("a (b", {{"a ", 1.0}, {"(b", 1.0}});
  expect_parts("a) (b", {{"a) (b", 1.0}});
  expect_parts("a) ((b)", {{"a) (", 1.0}, {"b", 1.1}});
}

TEST(Prompt, UnescapesParentheses) {
  expect_parts("\\(a\\) (b \\) c:1.3)", {{"(a) ", 1.0}, {"b ) c", 1.3}});
}

TEST(Prompt, RefusesTooDeepNesting) {
  EXPECT_NO_THROW(parse_prompt(std::string(900, '(') + "a" + std::string(900, ')')));
  try {
    parse_prompt(std::string(20000, '(') + "a" + std::string(20000, ')'));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
  }
}

void expect_chunk(const TokenChunk& got, const json::value& want) {
  const auto ids = json::value_to<std::vector<std::int64_t>>(want.at(0));
  const auto weights = json::value_to<std::vector<double>>(want.at(1));
  ASSERT_EQ(got.size(), ids.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].id, ids[i]) << "token " << i;
    EXPECT_NEAR(got[i].weight, weights[i], 1e-9 * std::abs(weights[i])) << "token " << i;
  }
}

TEST(Prompt, GivesTheChunksOfTheReference) {
  const auto cases = read_reference_cases("prompt_cases.json");
  ASSERT_GT(cases.size(), 50U);
  for (const auto& one : cases) {
    const std::string prompt(one.at(0).as_string());
    SCOPED_TRACE(prompt);
    const auto pad = one.at(1).as_bool() ? clip_tokenizer().end_id() : 0;
    const auto chunks = tokenize_prompt(clip_tokenizer(), prompt, pad);
    ASSERT_EQ(chunks.size(), one.at(2).as_array().size());
    for (std::size_t i = 0; i < chunks.size(); ++i)
      expect_chunk(chunks[i], one.at(2).at(i));
  }
}

TEST(Prompt, FillsEveryChunk) {
  std::string prompt;
  for (int i = 0; i < 200; ++i)
    prompt += "cat ";
  const auto chunks = tokenize_prompt(clip_tokenizer(), prompt, 0);
  ASSERT_EQ(chunks.size(), 3U);
  for (const TokenChunk& chunk : chunks) {
    ASSERT_EQ(chunk.size(), kChunkLength);
    EXPECT_EQ(chunk.front().id, clip_tokenizer().start_id());
  }
  EXPECT_EQ(chunks.back()[51].id, clip_tokenizer().end_id());
  EXPECT_EQ(chunks.back()[52].id, 0);
}

TEST(Prompt, RefusesTooLongAPrompt) {
  // No part of it is too long by itself.
  std::string prompt;
  while (prompt.size() <= BpeTokenizer::kMaxTextBytes)
    prompt += "(a)";
  EXPECT_THROW(tokenize_prompt(clip_tokenizer(), prompt, 0), Error);
}

}  // namespace
}  // namespace tandem::models

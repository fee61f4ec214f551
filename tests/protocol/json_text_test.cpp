#include "protocol/json_text.hpp"

#include <cstdio>
#include <random>

#include <boost/json/serialize.hpp>

#include "tests/protocol/expect_error.hpp"

namespace tandem {
namespace {

using test::failure_of;

TEST(JsonText, ReadsEveryKindOfValue) {
  const auto value = parse_json(R"([null, true, -3, 18446744073709551614, 0.1, "ü\n", {"a": []}])");
  const auto& list = value.as_array();
  EXPECT_TRUE(list[0].is_null());
  EXPECT_TRUE(list[1].as_bool());
  EXPECT_EQ(list[2].as_int64(), -3);
  EXPECT_EQ(list[3].as_uint64(), 18446744073709551614U);
  EXPECT_EQ(list[4].as_double(), 0.1);
  EXPECT_EQ(list[5].as_string(), "ü\n");
  EXPECT_TRUE(list[6].at("a").as_array().empty());
}

TEST(JsonText, NumbersAreExact) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> spread(-300.0, 300.0);
  for (int i = 0; i < 20000; ++i) {
    const double number = std::pow(10.0, spread(random)) * (i % 2 == 0 ? 1 : -1);
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", number);
    ASSERT_EQ(parse_json(text).to_number<double>(), number) << text;
    const std::string written = boost::json::serialize(boost::json::value(number));
    ASSERT_EQ(parse_json(written).to_number<double>(), number) << written;
  }
}

TEST(JsonText, ManyDigitsInAStringAndKeySurvive) {
  const std::string longest(100000, 'x');
  EXPECT_EQ(parse_json("\"" + longest + "\"").as_string(), longest);
  const std::string key(kMaxJsonKeyBytes, 'k');
  EXPECT_TRUE(parse_json_object("{\"" + key + "\":1}").contains(key));
  EXPECT_THROW(parse_json("{\"" + key + "k\":1}"), Error);
}

TEST(JsonText, AKeyThatStandsTwiceIsNamedByItsPath) {
  const Failure failure =
      failure_of([] { parse_json(R"({"a": [{"b": 1}, {"b": {"c d": 1, "e": 2, "c d": 3}}]})"); });
  EXPECT_EQ(failure.code, ErrorCode::kBadRequest);
  EXPECT_EQ(failure.path, R"(a[1].b["c d"])");
  EXPECT_NE(failure.message.find("stands twice"), std::string::npos) << failure.message;
}

TEST(JsonText, TheSameKeyInTwoObjectsIsFine) {
  EXPECT_EQ(parse_json_object(R"({"a": {"x": 1}, "b": {"x": 2}})").size(), 2U);
}

TEST(JsonText, ErrorsSayWhere) {
  const Failure failure =
      failure_of([] { parse_json("{\n  \"a\": 1,\n  oops\n}", ErrorCode::kBadFrame); });
  EXPECT_EQ(failure.code, ErrorCode::kBadFrame);
  EXPECT_NE(failure.message.find("line 3, column"), std::string::npos) << failure.message;
}

TEST(JsonText, WhatIsNoJsonIsRefused) {
  for (const std::string text :
       {"", " ", "{", "{}{}", "[1,]", "nul", "\"\xff\"", "{'a': 1}", "1e999", "-1e999", "NaN",
        "[1] x", "\"\\ud800\"", "// c\n1", "01"}) {
    EXPECT_THROW(parse_json(text), Error) << text;
  }
}

TEST(JsonText, DepthIsLimited) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(kMaxJsonDepth)));
  EXPECT_THROW(parse_json(nested(kMaxJsonDepth + 1)), Error);
  EXPECT_THROW(parse_json(nested(1000000)), Error);
}

TEST(JsonText, TheNumberOfValuesIsLimited) {
  const auto list = [](std::size_t count) {
    std::string text = "[0";
    for (std::size_t i = 1; i < count; ++i)
      text += ",0";
    return text + "]";
  };
  EXPECT_NO_THROW(parse_json(list(kMaxJsonValues - 1)));  // the list is a value as well
  const Failure failure = failure_of([&] { parse_json(list(kMaxJsonValues)); });
  EXPECT_NE(failure.message.find("more than 262144 values"), std::string::npos) << failure.message;
}

TEST(JsonText, TheTextIsLimited) {
  EXPECT_THROW(parse_json(std::string(kMaxJsonBytes + 1, ' ')), Error);
}

TEST(JsonText, AnObjectIsAskedFor) {
  EXPECT_THROW(parse_json_object("[]"), Error);
  EXPECT_TRUE(parse_json_object("{}").empty());
}

TEST(JsonText, PathsReadLikeTheFormat) {
  EXPECT_EQ(key_path("", "version"), "version");
  EXPECT_EQ(key_path(key_path(key_path("", "positive"), 1), "area"), "positive[1].area");
  EXPECT_EQ(key_path("model.embeddings", "my style"), "model.embeddings[\"my style\"]");
}

TEST(JsonText, ShownTextIsShortPrintableAndStillUtf8) {
  EXPECT_EQ(shown("a\nb"), "a?b");
  EXPECT_EQ(shown("aüb", 2), "a...");  // ü is two bytes long
  EXPECT_EQ(shown("aüb", 3), "aü...");
  EXPECT_EQ(shown("abc", 3), "abc");
}

}  // namespace
}  // namespace tandem

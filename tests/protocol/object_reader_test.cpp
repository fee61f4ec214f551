#include "protocol/object_reader.hpp"

#include "tests/protocol/expect_error.hpp"

namespace tandem {
namespace {

using test::failure_of;

// Reads {"key": TEXT} into a field.
template <class Field, class... Rule>
Field read(const std::string& text, Field field, const Rule&... rule) {
  const auto object = parse_json_object("{\"key\": " + text + "}");
  ObjectReader reader(object, "at");
  reader.read("key", field, rule...);
  reader.finish();
  return field;
}

template <class Field, class... Rule>
Failure refusal(const std::string& text, Field field, const Rule&... rule) {
  return failure_of([&] { read(text, field, rule...); });
}

TEST(ObjectReader, AMissingKeyLeavesTheDefault) {
  const auto object = parse_json_object("{}");
  ObjectReader reader(object, {});
  int whole = 7;
  std::optional<double> number = 1.5;
  reader.read("a", whole, WholeRange{});
  reader.read("b", number, kAnyNumber);
  EXPECT_EQ(whole, 7);
  EXPECT_EQ(number, 1.5);
  EXPECT_NO_THROW(reader.finish());
}

TEST(ObjectReader, WholeNumbers) {
  EXPECT_EQ(read("3", 0, WholeRange{1, 5}), 3);
  EXPECT_EQ(read("3.0", 0, WholeRange{1, 5}), 3);
  EXPECT_EQ(read("-1", 0, WholeRange{}), -1);
  EXPECT_EQ(refusal("3.5", 0, WholeRange{1, 5}).code, ErrorCode::kBadRequest);
  EXPECT_EQ(refusal("true", 0, WholeRange{1, 5}).code, ErrorCode::kBadRequest);
  EXPECT_EQ(refusal("null", 0, WholeRange{1, 5}).code, ErrorCode::kBadRequest);
  for (const char* text : {"0", "6", "6.0", "-9223372036854775808", "18446744073709551615"}) {
    EXPECT_EQ(refusal(text, 0, WholeRange{1, 5}).code, ErrorCode::kOutOfRange) << text;
  }
  EXPECT_EQ(refusal("1e300", 0, WholeRange{1, 5}).code, ErrorCode::kBadRequest);
}

TEST(ObjectReader, MessagesSayPathExpectedAndFound) {
  EXPECT_EQ(refusal("\"x\"", 0, WholeRange{1, kMaxWhole}).message,
            "at.key: expected a whole number of at least 1, found \"x\"");
  EXPECT_EQ(refusal("0", 0, WholeRange{1, 5}).message,
            "at.key: expected a whole number from 1 to 5, found 0");
  EXPECT_EQ(refusal("2000000000", 0, WholeRange{1, kMaxWhole}).message,
            "at.key: expected a whole number of at most 1000000000, found 2000000000");
  EXPECT_EQ(refusal("1.5", 0.0, kFraction).message,
            "at.key: expected a number from 0 to 1, found 1.5");
  EXPECT_EQ(refusal("0", 0.0, kAboveZero).message, "at.key: expected a number above 0, found 0");
  EXPECT_EQ(refusal("[]", false).message, "at.key: expected true or false, found a list");
  EXPECT_EQ(refusal("{}", 0.0, kAnyNumber).message, "at.key: expected a number, found an object");
}

TEST(ObjectReader, NoPromptIsQuoted) {
  EXPECT_EQ(refusal("\"a red circle\"", 0.0, kAnyNumber).message,
            "at.key: expected a number, found a string of 12 bytes");
  const auto object = parse_json_object(R"({"list": "circle"})");
  ObjectReader reader(object, {});
  const Failure failure = failure_of([&] { reader.read_objects("list", 4, [](ObjectReader&) {}); });
  EXPECT_EQ(failure.message, "list: expected a list, found a string");
}

TEST(ObjectReader, Seeds) {
  EXPECT_EQ(read("18446744073709551615", std::uint64_t{0}), 18446744073709551615U);
  EXPECT_EQ(read("0", std::uint64_t{1}), 0U);
  EXPECT_EQ(read("5.0", std::uint64_t{1}), 5U);
  EXPECT_EQ(refusal("-1", std::uint64_t{0}).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal("18446744073709551616", std::uint64_t{0}).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal("1.5", std::uint64_t{0}).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal("\"1\"", std::uint64_t{0}).code, ErrorCode::kBadRequest);
}

TEST(ObjectReader, Strings) {
  constexpr StringRule kName{"a name", 4};
  constexpr StringRule kText{"a text", 4, true};
  EXPECT_EQ(read("\"ab\"", std::string(), kName), "ab");
  EXPECT_EQ(read("\"\"", std::string("x"), kText), "");
  EXPECT_EQ(refusal("\"\"", std::string(), kName).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal("\"abcde\"", std::string(), kName).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal("\"abcde\"", std::string(), kText).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal("\"a\\u0000\"", std::string(), kName).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(refusal("1", std::string(), kName).code, ErrorCode::kBadRequest);
}

TEST(ObjectReader, Lists) {
  constexpr StringRule kName{"a name", 4};
  const auto object = parse_json_object(R"({"one": "a", "many": ["b", "c"], "bad": ["d", 1]})");
  ObjectReader reader(object, "at");
  std::vector<std::string> list;
  reader.read_one_or_many("one", list, kName, 2);
  EXPECT_EQ(list, std::vector<std::string>({"a"}));
  reader.read_one_or_many("many", list, kName, 2);
  EXPECT_EQ(list, std::vector<std::string>({"b", "c"}));
  EXPECT_EQ(failure_of([&] { reader.read("one", list, kName, 2); }).code, ErrorCode::kBadRequest);
  EXPECT_EQ(failure_of([&] { reader.read("many", list, kName, 1); }).code, ErrorCode::kOutOfRange);
  EXPECT_EQ(failure_of([&] { reader.read("bad", list, kName, 2); }).path, "at.bad[1]");
}

TEST(ObjectReader, ChoicesHintAtTheNearestName) {
  enum class Fruit { kApple, kPear };
  constexpr std::array kFruits = {Named<Fruit>{"apple", Fruit::kApple},
                                  Named<Fruit>{"pear", Fruit::kPear}};
  EXPECT_EQ(read("\"pear\"", Fruit::kApple, kFruits), Fruit::kPear);
  const Failure near = refusal("\"aple\"", Fruit::kApple, kFruits);
  EXPECT_EQ(near.code, ErrorCode::kOutOfRange);
  EXPECT_EQ(near.message, "at.key: expected one of apple, pear, found \"aple\"");
  EXPECT_EQ(near.hint, "Did you mean 'apple'?");
  EXPECT_EQ(refusal("\"melon\"", Fruit::kApple, kFruits).hint, "Known here: apple, pear.");
  EXPECT_EQ(refusal("1", Fruit::kApple, kFruits).code, ErrorCode::kBadRequest);
}

TEST(ObjectReader, AnUnknownKeyIsNamedWithTheNearestKnownOne) {
  const auto object = parse_json_object(R"({"strenght": 1.0})");
  ObjectReader reader(object, "positive[0]");
  double strength = 0.0;
  reader.read("strength", strength, kAnyNumber);
  const Failure failure = failure_of([&] { reader.finish(); });
  EXPECT_EQ(failure.code, ErrorCode::kUnknownKey);
  EXPECT_EQ(failure.path, "positive[0].strenght");
  EXPECT_EQ(failure.hint, "Did you mean 'strength'?");
}

TEST(ObjectReader, ARequiredKeyIsNamed) {
  const auto object = parse_json_object("{}");
  const Failure failure = failure_of([&] { ObjectReader(object, "model").require("file"); });
  EXPECT_EQ(failure.code, ErrorCode::kBadRequest);
  EXPECT_EQ(failure.path, "model.file");
}

TEST(HintForName, CountsEdits) {
  constexpr std::array<std::string_view, 3> kKnown = {"steps", "start_step", "x"};
  EXPECT_EQ(hint_for_name("stpes", kKnown), "Did you mean 'steps'?");
  EXPECT_EQ(hint_for_name("start-step", kKnown), "Did you mean 'start_step'?");
  EXPECT_EQ(hint_for_name("sampler", kKnown), "Known here: steps, start_step, x.");
  EXPECT_EQ(hint_for_name("", kKnown), "Known here: steps, start_step, x.");
}

}  // namespace
}  // namespace tandem

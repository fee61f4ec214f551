#include "models/text/tokenizers/unicode.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

TEST(Unicode, DecodesAndEncodesUtf8) {
  const std::string text = "a\u00e9\u4e00\U0001f469";
  const std::u32string points = decode_utf8(text);
  EXPECT_EQ(points, U"a\u00e9\u4e00\U0001f469");
  std::string back;
  for (const char32_t point : points)
    append_utf8(back, point);
  EXPECT_EQ(back, text);
}

TEST(Unicode, KeepsNulInAText) {
  EXPECT_EQ(decode_utf8(std::string_view("a\0b", 3)), std::u32string(U"a\0b", 3));
}

TEST(Unicode, NamesTheBadByte) {
  try {
    decode_utf8("ab\xff");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadRequest);
    EXPECT_NE(std::string(error.what()).find("position 2"), std::string::npos);
  }
}

TEST(Unicode, LowersLikePython) {
  EXPECT_EQ(lower_case(U"ABC \u00c9"), U"abc \u00e9");
  EXPECT_EQ(lower_case(U"\u0130"), U"i\u0307");
}

TEST(Unicode, LowersSigmaByItsPlace) {
  EXPECT_EQ(lower_case(U"\u039f\u03a3"), U"\u03bf\u03c2");  // at the end of a word
  EXPECT_EQ(lower_case(U"\u03a3\u039f"), U"\u03c3\u03bf");  // at its start
  EXPECT_EQ(lower_case(U"\u03a3"), U"\u03c3");              // alone
  EXPECT_EQ(lower_case(U"a.\u03a3.b"), U"a.\u03c3.b");      // a point does not end the word
  EXPECT_EQ(lower_case(U"a'\u03a3!"), U"a'\u03c2!");        // an apostrophe does not begin one
  EXPECT_EQ(lower_case(U"\u24d0\u03a3"), U"\u24d0\u03c2");  // a circled letter is cased
}

TEST(Unicode, Composes) {
  EXPECT_EQ(compose(U"e\u0301\u212b"), U"\u00e9\u00c5");
}

TEST(Unicode, TellsCategories) {
  EXPECT_TRUE(is_letter(U'\u4e00'));
  EXPECT_FALSE(is_letter(U'\u0301'));
  EXPECT_TRUE(is_number(U'\u00bd'));
  EXPECT_TRUE(is_decimal_digit(U'\u0663'));
  EXPECT_FALSE(is_decimal_digit(U'\u00bd'));
  for (const char32_t point : {U'\0', U'\u200d', U'\ue000', char32_t{0xFFFF}}) {
    EXPECT_TRUE(is_control(point)) << static_cast<std::uint32_t>(point);
  }
  EXPECT_FALSE(is_control(U'a'));
  EXPECT_TRUE(is_whitespace(U'\u2028'));
  EXPECT_FALSE(is_space_separator(U'\u2028'));
  EXPECT_TRUE(is_space_separator(U'\u3000'));
}

}  // namespace
}  // namespace tandem::models

#include "models/text/python_float.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include <gtest/gtest.h>

namespace tandem::models {
namespace {

TEST(PythonFloat, TakesWhatFloatTakes) {
  const std::pair<const char*, double> kNumbers[] = {{"1.3", 1.3},
                                                     {" 1.2 ", 1.2},
                                                     {"-.5e+1", -5.0},
                                                     {"5.", 5.0},
                                                     {"+2", 2.0},
                                                     {"1_0", 10.0},
                                                     {"1e5_0", 1e50},
                                                     {"\uff11.\uff15", 1.5},
                                                     {"\u0661.\u0665", 1.5},
                                                     {"\u30001\u2028", 1.0},
                                                     {"1e-999", 0.0},
                                                     {"\U0001d7d8\U0001d7d9", 1.0}};
  for (const auto& [text, value] : kNumbers) {
    const auto number = parse_python_float(text);
    ASSERT_TRUE(number.has_value()) << text;
    EXPECT_DOUBLE_EQ(*number, value) << text;
  }
}

TEST(PythonFloat, TakesInfinityAndNan) {
  EXPECT_EQ(parse_python_float("-iNf"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_python_float("infinity"), std::numeric_limits<double>::infinity());
  EXPECT_EQ(parse_python_float("1e999"), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(parse_python_float("+nan").value()));
}

TEST(PythonFloat, RefusesWhatFloatRefuses) {
  for (const char* text : {"", " ", "abc", "1__0", "_1", "1_", "1._5", "0x10", "1e", "e5", ".",
                           "1,2", "1 2", "nan(1)", "\0341", "1\u00bd", "--1"}) {
    EXPECT_FALSE(parse_python_float(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tandem::models

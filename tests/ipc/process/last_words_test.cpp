#include "ipc/process/last_words.hpp"

#include <gtest/gtest.h>

namespace tandem::ipc {
namespace {

TEST(LastWords, KeepsTheLastLines) {
  LastWords words(3, 1000);
  EXPECT_EQ(words.text(), "");
  for (const char* line : {"one", "two", "three", "four"})
    words.add(line);
  EXPECT_EQ(words.text(), "two\nthree\nfour");
}

TEST(LastWords, KeepsTwoHundredLinesUnlessTold) {
  LastWords words;
  for (int i = 0; i < 500; ++i)
    words.add(std::to_string(i));
  EXPECT_EQ(words.lines().size(), 200U);
  EXPECT_EQ(words.lines().front(), "300");
}

TEST(LastWords, HoldsNoMoreThanItsBytes) {
  LastWords words(100, 10);
  words.add("12345");
  words.add("67890");
  EXPECT_EQ(words.lines().size(), 2U);
  words.add("x");
  EXPECT_EQ(words.text(), "67890\nx");
  words.add("a line that is longer than all");
  EXPECT_EQ(words.text(), "a line tha");
}

}  // namespace
}  // namespace tandem::ipc

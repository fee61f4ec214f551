#include "models/patches/recent_cache.hpp"

#include <string>

#include <gtest/gtest.h>

namespace tandem::models {
namespace {

using Cache = RecentCache<int, std::string>;

TEST(RecentCache, ABudgetOfNothingKeepsTheNewestUntilItIsTrimmed) {
  Cache cache(0);
  cache.put(1, "one", 0);
  cache.put(2, "two", 5);
  EXPECT_EQ(cache.find(1), nullptr);
  ASSERT_NE(cache.find(2), nullptr);
  cache.trim();
  EXPECT_EQ(cache.find(2), nullptr);
  EXPECT_EQ(cache.used(), 0U);
}

TEST(RecentCache, TheLeastRecentlyUsedGoesFirst) {
  Cache cache(10);
  cache.put(1, "one", 4);
  cache.put(2, "two", 4);
  cache.find(1);
  cache.put(3, "three", 4);
  EXPECT_EQ(cache.find(2), nullptr);
  ASSERT_NE(cache.find(1), nullptr);
  EXPECT_EQ(*cache.find(1), "one");
  EXPECT_EQ(cache.used(), 8U);
  cache.trim();
  EXPECT_NE(cache.find(3), nullptr);
}

TEST(RecentCache, WhatIsAboveTheBudgetStaysAlone) {
  Cache cache(10);
  cache.put(1, "one", 4);
  EXPECT_EQ(cache.put(2, "two", 40), "two");
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_NE(cache.find(2), nullptr);
}

}  // namespace
}  // namespace tandem::models

#include "coordinator/sampling/context/context_windows.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kShape[] = {1, 4, 20, 8};

job::Context context_of(int length, int overlap, int dim = 2) {
  job::Context context;
  context.length = length;
  context.overlap = overlap;
  context.dim = dim;
  return context;
}

std::string refusal(const job::Context& context, at::IntArrayRef shape = kShape) {
  try {
    needs_windows(context, shape);
  } catch (const Error& error) {
    return error.failure().path;
  }
  return "";
}

TEST(ContextWindows, AreNeededByLongLatentsAlone) {
  EXPECT_TRUE(needs_windows(context_of(8, 2), kShape));
  EXPECT_FALSE(needs_windows(context_of(20, 2), kShape));
  EXPECT_FALSE(needs_windows(context_of(8, 2, 3), kShape));
  EXPECT_FALSE(needs_windows(context_of(8, 2, 0), kShape));
}

TEST(ContextWindows, WhatCannotBeIsRefused) {
  EXPECT_EQ(refusal(context_of(8, 2, 1)), "context.dim");
  EXPECT_EQ(refusal(context_of(8, 2, 4)), "context.dim");
  EXPECT_EQ(refusal(context_of(8, 8)), "context.overlap");
  job::Context batched = context_of(8, 8);
  batched.schedule = "batched";
  EXPECT_EQ(refusal(batched), "");
  EXPECT_EQ(refusal(context_of(8, 2), {2, 4, 20, 8}), "context.dim");
  EXPECT_EQ(refusal(context_of(8, 2, 0), {20, 4, 20, 8}), "");
}

TEST(ContextWindows, AreAlongTheDimension) {
  job::Context context = context_of(5, 1, 3);
  context.schedule = "standard_static";
  const std::vector<LatentWindow> windows = windows_at(context, kShape, 0);
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[1], (LatentWindow{3, {3, 4, 5, 6, 7}}));
  EXPECT_EQ(context_weights(context, kShape, windows[1]).size(0), 5);
}

// Every second of 6 indices goes round the end within one window of 5: it cannot be moved.
TEST(ContextWindows, AStrideThatNeedsALongerLatentIsRefused) {
  job::Context context = context_of(5, 1);
  context.stride = 2;
  EXPECT_THROW(windows_at(context, {1, 4, 6, 8}, 0), Error);
  EXPECT_NO_THROW(windows_at(context, kShape, 0));
}

}  // namespace
}  // namespace tandem::coordinator

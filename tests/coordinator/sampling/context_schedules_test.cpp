#include "coordinator/sampling/context/context_schedules.hpp"

#include <set>

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "protocol/job/names.hpp"

namespace tandem::coordinator {
namespace {

job::Context context_of(int length, int overlap, int stride = 1) {
  job::Context context;
  context.length = length;
  context.overlap = overlap;
  context.stride = stride;
  return context;
}

TEST(ContextSchedules, AllNamesOfTheFormatAreThere) {
  ASSERT_EQ(context_schedules().size(), job::kContextSchedules.size());
  for (const std::string_view name : job::kContextSchedules)
    EXPECT_EQ(find_context_schedule(name).name, name);
  EXPECT_THROW(find_context_schedule("static"), Error);
}

TEST(ContextSchedules, OrderedHalvingReversesTheBits) {
  EXPECT_EQ(ordered_halving(0), 0.0);
  EXPECT_EQ(ordered_halving(1), 0.5);
  EXPECT_EQ(ordered_halving(2), 0.25);
  EXPECT_EQ(ordered_halving(3), 0.75);
  EXPECT_EQ(ordered_halving(6), 0.375);
}

TEST(ContextSchedules, StaticWindowsEndWithTheLatent) {
  EXPECT_EQ(standard_static_windows(7, context_of(4, 1), 5),
            (ContextWindows{{0, 1, 2, 3}, {3, 4, 5, 6}}));
  EXPECT_EQ(standard_static_windows(8, context_of(4, 1), 0),
            (ContextWindows{{0, 1, 2, 3}, {3, 4, 5, 6}, {4, 5, 6, 7}}));
  EXPECT_EQ(standard_static_windows(3, context_of(4, 1), 0), (ContextWindows{{0, 1, 2}}));
}

TEST(ContextSchedules, BatchedWindowsDoNotOverlap) {
  EXPECT_EQ(batched_windows(5, context_of(2, 9), 0), (ContextWindows{{0, 1}, {2, 3}, {4}}));
}

// Step 1 begins in the middle: round(6 / 2) = 3.
TEST(ContextSchedules, LoopedWindowsGoRoundTheEnd) {
  EXPECT_EQ(looped_uniform_windows(6, context_of(4, 2), 1),
            (ContextWindows{{3, 4, 5, 0}, {5, 0, 1, 2}}));
  job::Context closed = context_of(4, 2);
  closed.closed_loop = true;
  EXPECT_EQ(looped_uniform_windows(6, closed, 1),
            (ContextWindows{{3, 4, 5, 0}, {5, 0, 1, 2}, {1, 2, 3, 4}}));
}

TEST(ContextSchedules, StandardWindowsAreMovedToTheEndAndFillTheGap) {
  EXPECT_EQ(standard_uniform_windows(6, context_of(4, 2), 1),
            (ContextWindows{{2, 3, 4, 5}, {0, 1, 2, 3}}));
}

// As recorded from ComfyUI for 40 of 8 with an overlap of 2 and a stride of 3, step 0.
TEST(ContextSchedules, StridesTakeEverySecondAndFourthIndex) {
  const ContextWindows windows = standard_uniform_windows(40, context_of(8, 2, 3), 0);
  ASSERT_EQ(windows.size(), 12U);
  EXPECT_EQ(windows[7], (std::vector<std::int64_t>{0, 2, 4, 6, 8, 10, 12, 14}));
  EXPECT_EQ(windows[9], (std::vector<std::int64_t>{25, 27, 29, 31, 33, 35, 37, 39}));
  EXPECT_EQ(windows[11], (std::vector<std::int64_t>{11, 15, 19, 23, 27, 31, 35, 39}));
}

TEST(ContextSchedules, EveryIndexIsCoveredAtEveryStep) {
  for (const ContextScheduleRow& row : context_schedules()) {
    for (std::int64_t length = 1; length <= 33; ++length) {
      for (std::size_t step = 0; step < 9; ++step) {
        std::set<std::int64_t> covered;
        for (const auto& window : row.windows(length, context_of(5, 2), step))
          covered.insert(window.begin(), window.end());
        EXPECT_EQ(static_cast<std::int64_t>(covered.size()), length) << row.name << step;
        EXPECT_EQ(*covered.rbegin(), length - 1);
      }
    }
  }
}

}  // namespace
}  // namespace tandem::coordinator

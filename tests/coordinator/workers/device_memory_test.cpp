#include "coordinator/workers/device_memory.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

TEST(MemoryFigures, OfACpuAreTheMachines) {
  const MemoryFigures figures;
  EXPECT_GT(figures.total("cpu"), 0U);
  EXPECT_GT(figures.free("cpu", 0), 0U);
  EXPECT_LE(figures.free("cpu", 0), figures.total("cpu"));
}

TEST(MemoryFigures, OfADeviceThatNobodyHasToldOfAreNone) {
  const MemoryFigures figures;
  EXPECT_EQ(figures.total("sim"), 0U);
  EXPECT_EQ(figures.free("gpu:0", 10), 0U);
}

TEST(MemoryFigures, CountWhatWasLetGoOfSinceAsFree) {
  MemoryFigures figures;
  figures.note_total("gpu:0", 100);
  figures.note_free("gpu:0", 60, 30);
  EXPECT_EQ(figures.total("gpu:0"), 100U);
  EXPECT_EQ(figures.free("gpu:0", 30), 60U);
  EXPECT_EQ(figures.free("gpu:0", 10), 80U);
  EXPECT_EQ(figures.free("gpu:0", 95), 0U);
  EXPECT_EQ(figures.free("gpu:1", 0), 0U);
}

}  // namespace
}  // namespace tandem::coordinator

#include "ipc/memory/slot_pool.hpp"

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace tandem::ipc {
namespace {

TEST(SlotPool, GivesOutAlignedParts) {
  SlotPool pool(1024);
  const auto first = pool.allocate(1);
  const auto second = pool.allocate(65);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->offset, 0U);
  EXPECT_EQ(first->bytes, 64U);
  EXPECT_EQ(second->offset, 64U);
  EXPECT_EQ(second->bytes, 128U);
  EXPECT_NE(first->generation, second->generation);
  EXPECT_EQ(pool.bytes_in_use(), 192U);
}

TEST(SlotPool, IsExhausted) {
  SlotPool pool(200);
  EXPECT_EQ(pool.capacity(), 192U);
  EXPECT_FALSE(pool.allocate(193));
  EXPECT_FALSE(pool.allocate(std::numeric_limits<std::size_t>::max()));
  const auto all = pool.allocate(192);
  ASSERT_TRUE(all);
  EXPECT_FALSE(pool.allocate(0));
  EXPECT_TRUE(pool.release(*all));
  EXPECT_TRUE(pool.allocate(0));
  EXPECT_FALSE(SlotPool(63).allocate(1));
}

TEST(SlotPool, TakesBackOnlyWhatIsOut) {
  SlotPool pool(128);
  const auto old = pool.allocate(64);
  ASSERT_TRUE(old && pool.release(*old));
  EXPECT_FALSE(pool.release(*old));
  const auto current = pool.allocate(64);
  ASSERT_TRUE(current);
  ASSERT_EQ(current->offset, old->offset);
  EXPECT_FALSE(pool.release(*old));
  Slot wrong = *current;
  wrong.bytes = 128;
  EXPECT_FALSE(pool.release(wrong));
  EXPECT_EQ(pool.slots_in_use(), 1U);
  EXPECT_TRUE(pool.release(*current));
  EXPECT_EQ(pool.bytes_in_use(), 0U);
}

TEST(SlotPool, JoinsFreeNeighbours) {
  SlotPool pool(192);
  const auto a = pool.allocate(64);
  const auto b = pool.allocate(64);
  const auto c = pool.allocate(64);
  ASSERT_TRUE(a && b && c);
  EXPECT_TRUE(pool.release(*a));
  EXPECT_TRUE(pool.release(*c));
  EXPECT_EQ(pool.largest_free(), 64U);
  EXPECT_FALSE(pool.allocate(128));
  EXPECT_TRUE(pool.release(*b));
  EXPECT_EQ(pool.largest_free(), 192U);
}

bool overlap(const Slot& a, const Slot& b) {
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

class RandomUse : public testing::TestWithParam<unsigned> {};

TEST_P(RandomUse, NeverOverlapsAndBecomesWholeAgain) {
  std::mt19937 random(GetParam());
  constexpr std::size_t kCapacity = 64 * 1024;
  SlotPool pool(kCapacity);
  std::vector<Slot> out;
  std::size_t in_use = 0;
  for (int i = 0; i < 4000; ++i) {
    if (out.empty() || random() % 5 < 3) {
      const std::size_t bytes = random() % 4096;
      const auto slot = pool.allocate(bytes);
      if (!slot) {
        ASSERT_LT(pool.largest_free(), std::max<std::size_t>(bytes, 1));
        continue;
      }
      ASSERT_GE(slot->bytes, bytes);
      ASSERT_LE(slot->offset + slot->bytes, kCapacity);
      ASSERT_EQ(slot->offset % kSlotAlignment, 0U);
      for (const Slot& other : out)
        ASSERT_FALSE(overlap(*slot, other));
      out.push_back(*slot);
      in_use += slot->bytes;
    } else {
      std::swap(out[random() % out.size()], out.back());
      ASSERT_TRUE(pool.release(out.back()));
      ASSERT_FALSE(pool.release(out.back()));
      in_use -= out.back().bytes;
      out.pop_back();
    }
    ASSERT_EQ(pool.bytes_in_use(), in_use);
    ASSERT_EQ(pool.slots_in_use(), out.size());
  }
  std::shuffle(out.begin(), out.end(), random);
  for (const Slot& slot : out)
    ASSERT_TRUE(pool.release(slot));
  EXPECT_EQ(pool.bytes_in_use(), 0U);
  EXPECT_EQ(pool.largest_free(), kCapacity);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomUse, testing::Range(1U, 9U));

}  // namespace
}  // namespace tandem::ipc

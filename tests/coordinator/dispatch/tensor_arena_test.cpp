#include "coordinator/dispatch/tensor_arena.hpp"

#include <cstring>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kSegment = 64 * 1024;

TEST(TensorArena, BlocksAreAlignedAndApart) {
  TensorArena arena({kSegment, kSegment * 4});
  const auto a = arena.allocate(100);
  const auto b = arena.allocate(100);
  EXPECT_EQ(a->offset() % 64, 0U);
  EXPECT_GE(b->offset(), a->offset() + 100);
  EXPECT_EQ(a->segment(), b->segment());
  EXPECT_EQ(arena.bytes_in_use(), 200U);
}

TEST(TensorArena, AFreedBlockIsUsedAgain) {
  TensorArena arena({kSegment, kSegment});
  const std::uint64_t offset = arena.allocate(kSegment)->offset();
  EXPECT_EQ(arena.bytes_in_use(), 0U);
  EXPECT_EQ(arena.allocate(kSegment)->offset(), offset);
}

TEST(TensorArena, GrowsByWholeSegments) {
  TensorArena arena({kSegment, kSegment * 16});
  const auto small = arena.allocate(kSegment);
  const auto large = arena.allocate(kSegment * 3 + 1);
  EXPECT_NE(small->segment(), large->segment());
  const auto segments = arena.segments_from(0);
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_GE(segments[1].bytes, kSegment * 3 + 1);
  EXPECT_EQ(arena.segments_from(1).size(), 1U);
}

TEST(TensorArena, RefusesPastItsLimit) {
  TensorArena arena({kSegment, kSegment * 2});
  const auto a = arena.allocate(kSegment);
  const auto b = arena.allocate(kSegment);
  try {
    arena.allocate(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
    EXPECT_EQ(error.failure().free_bytes, 0U);
  }
}

TEST(TensorArena, ABlockOutlivesItsArena) {
  auto arena = std::make_unique<TensorArena>(ArenaLimits{kSegment, kSegment});
  const auto block = arena->allocate(8);
  arena.reset();
  std::memcpy(block->data(), "12345678", 8);
}

TEST(TensorArena, SharedReadOnlyItCannotBeWrittenTo) {
  TensorArena arena({kSegment, kSegment});
  const auto block = arena.allocate(8);
  std::memcpy(block->data(), "12345678", 8);
  const auto view =
      ipc::SharedSegment::attach_read_only(arena.share(block->segment(), false), kSegment);
  EXPECT_EQ(std::memcmp(view.bytes().data() + block->offset(), "12345678", 8), 0);
  EXPECT_THROW(ipc::SharedSegment::attach(arena.share(block->segment(), false), kSegment), Error);
}

TEST(TensorArena, SeveralThreadsMayUseIt) {
  TensorArena arena({kSegment, kSegment * 64});
  std::vector<std::jthread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&arena, seed] {
      std::mt19937 random(seed);
      std::vector<std::shared_ptr<ArenaBlock>> held;
      for (int i = 0; i < 300; ++i) {
        auto block = arena.allocate(random() % 4096 + 1);
        std::memset(block->data(), static_cast<int>(seed), block->bytes());
        held.push_back(std::move(block));
        if (held.size() > 8) held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % 8));
      }
      for (const auto& block : held) {
        for (std::size_t i = 0; i < block->bytes(); ++i) {
          ASSERT_EQ(block->data()[i], static_cast<std::byte>(seed));
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(arena.bytes_in_use(), 0U);
}

}  // namespace
}  // namespace tandem::coordinator

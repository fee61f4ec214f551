#include "ipc/memory/shared_segment.hpp"

#include <sys/mman.h>

#include <gtest/gtest.h>

#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

constexpr std::size_t kBytes = 8192;

TEST(SharedSegment, IsOneMemoryForAll) {
  const SharedSegment owner = SharedSegment::create("test", kBytes);
  const SharedSegment writer = SharedSegment::attach(owner.share(), kBytes);
  const SharedSegment reader = SharedSegment::attach_read_only(owner.share_read_only(), kBytes);
  EXPECT_EQ(owner.size(), kBytes);
  EXPECT_EQ(reader.size(), kBytes);
  owner.writable_bytes()[5] = std::byte{42};
  writer.writable_bytes()[kBytes - 1] = std::byte{43};
  EXPECT_EQ(reader.bytes()[5], std::byte{42});
  EXPECT_EQ(writer.bytes()[5], std::byte{42});
  EXPECT_EQ(reader.bytes()[kBytes - 1], std::byte{43});
  EXPECT_EQ(reader.bytes()[6], std::byte{0});
}

TEST(SharedSegment, IsReadOnlyWhereItWasSharedSo) {
  const SharedSegment owner = SharedSegment::create("test", kBytes);
  EXPECT_EQ(thrown_by([&] { SharedSegment::attach(owner.share_read_only(), kBytes); }),
            ErrorCode::kInternal);
  const SharedSegment reader = SharedSegment::attach_read_only(owner.share(), kBytes);
  EXPECT_FALSE(reader.writable());
  EXPECT_EQ(thrown_by([&] { (void)reader.writable_bytes(); }), ErrorCode::kInternal);
}

TEST(SharedSegment, RefusesWhatIsUnsealedOrTooLarge) {
  const Memfd unsealed = Memfd::create("test", kBytes);
  EXPECT_EQ(thrown_by([&] { SharedSegment::attach(unsealed.fd().duplicate(), kBytes); }),
            ErrorCode::kUnsealedMemory);
  const SharedSegment owner = SharedSegment::create("test", kBytes);
  EXPECT_EQ(thrown_by([&] { SharedSegment::attach(owner.share(), kBytes - 1); }),
            ErrorCode::kOutOfRange);
}

TEST(SharedSegment, StaysMappedWhenItMoves) {
  SharedSegment first = SharedSegment::create("test", kBytes);
  first.writable_bytes()[0] = std::byte{1};
  const auto* address = first.bytes().data();
  const SharedSegment second = std::move(first);
  EXPECT_EQ(second.bytes().data(), address);
  EXPECT_EQ(second.bytes()[0], std::byte{1});
}

TEST(SharedSegment, LeavesNothingBehind) {
  const std::size_t before = open_descriptors();
  const std::size_t names = entries_in("/dev/shm");
  {
    const SharedSegment owner = SharedSegment::create("test", kBytes);
    const SharedSegment reader = SharedSegment::attach_read_only(owner.share(), kBytes);
    EXPECT_EQ(open_descriptors(), before + 2);
    EXPECT_EQ(entries_in("/dev/shm"), names);
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace tandem::ipc

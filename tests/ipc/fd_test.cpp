#include "ipc/fd.hpp"

#include <fcntl.h>

#include <gtest/gtest.h>

#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

bool is_open(int number) {
  return ::fcntl(number, F_GETFD) >= 0;
}

Fd open_something() {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

TEST(Fd, ClosesAtItsEnd) {
  int number = -1;
  {
    const Fd fd = open_something();
    number = fd.get();
    EXPECT_TRUE(fd.valid());
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, MovesItsDescriptor) {
  Fd first = open_something();
  const int number = first.get();
  Fd second = std::move(first);
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what a move leaves is defined
  EXPECT_EQ(second.get(), number);
  Fd third = open_something();
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), number);
  EXPECT_FALSE(is_open(replaced));
}

TEST(Fd, GivesItsDescriptorAway) {
  Fd fd = open_something();
  const int number = fd.release();
  EXPECT_FALSE(fd.valid());
  EXPECT_TRUE(is_open(number));
  fd.reset(number);
  fd.reset();
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, DuplicatesWithCloseOnExec) {
  const Fd fd = open_something();
  const Fd copy = fd.duplicate(100);
  EXPECT_GE(copy.get(), 100);
  EXPECT_TRUE(same_file(fd, copy));
  EXPECT_EQ(::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  EXPECT_EQ(thrown_by([] { (void)Fd().duplicate(); }), ErrorCode::kInternal);
}

}  // namespace
}  // namespace tandem::ipc

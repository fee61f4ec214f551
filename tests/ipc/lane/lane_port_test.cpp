#include "ipc/lane/lane_port.hpp"

#include <deque>
#include <random>

#include <gtest/gtest.h>

#include "ipc/memory/memfd.hpp"
#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

// Two ports and what is under way between them through sockets.
class LanePortTest : public testing::Test {
 protected:
  struct Side {
    LanePort port;
    std::deque<Frame> socket;  // what the other side sent to it
  };

  static void send(Side& from, Side& to, Frame frame) {
    if (auto rest = from.port.route(std::move(frame))) to.socket.push_back(std::move(*rest));
  }

  static void receive_one(Side& to, Side& from) {
    Frame frame = std::move(to.socket.front());
    to.socket.pop_front();
    if (auto answer = to.port.accept(std::move(frame))) from.socket.push_back(std::move(*answer));
  }

  void open() {
    here_.socket.clear();
    there_.socket.push_back(here_.port.offer());
    receive_one(there_, here_);
    receive_one(here_, there_);
    ASSERT_TRUE(here_.port.has_lane());
    ASSERT_TRUE(there_.port.has_lane());
  }

  Side here_, there_;
};

TEST_F(LanePortTest, LeavesFramesAloneWithoutALane) {
  send(here_, there_, {3, "a"});
  ASSERT_EQ(there_.socket.size(), 1U);
  receive_one(there_, here_);
  const auto frame = there_.port.take();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, "a");
  EXPECT_FALSE(there_.port.take());
}

TEST_F(LanePortTest, SendsThroughTheLaneToWhoIsAwake) {
  open();
  there_.port.stay_awake();
  send(here_, there_, {3, "a"});
  EXPECT_TRUE(there_.socket.empty());
  ASSERT_TRUE(there_.port.has_next());
  EXPECT_EQ(there_.port.take()->body, "a");
  there_.port.fall_asleep();
  EXPECT_FALSE(there_.port.has_next());
  send(here_, there_, {3, "b"});
  EXPECT_EQ(there_.socket.size(), 1U);
}

TEST_F(LanePortTest, WhatWasSentBeforeTheLaneWasOpenStaysInOrder) {
  send(there_, here_, {1, "hello"});
  there_.socket.push_back(here_.port.offer());
  receive_one(there_, here_);
  here_.port.stay_awake();
  send(there_, here_, {2, "lane"});
  EXPECT_FALSE(here_.port.take());  // the answer has not come
  ASSERT_EQ(here_.socket.size(), 2U);
  receive_one(here_, there_);
  EXPECT_EQ(here_.port.take()->body, "hello");
  receive_one(here_, there_);
  EXPECT_EQ(here_.port.take()->body, "lane");
}

TEST_F(LanePortTest, KeepsTheOrderWhicheverWayFramesTake) {
  open();
  std::mt19937 random(3);
  int sent = 0, received = 0;
  for (int round = 0; round < 20000; ++round) {
    switch (random() % 5) {
      case 0:
        there_.port.stay_awake();
        break;
      case 1:
        there_.port.fall_asleep();
        break;
      case 2:
        if (there_.socket.empty() || there_.port.has_next()) break;
        receive_one(there_, here_);
        [[fallthrough]];
      case 3:
        while (auto frame = there_.port.take())
          ASSERT_EQ(frame->body, std::to_string(received++));
        break;
      default: {
        Frame frame{3, std::to_string(sent++)};
        if (random() % 4 == 0) frame.fds.push_back(Memfd::create("test", 1).fd().duplicate());
        send(here_, there_, std::move(frame));
      }
    }
  }
  EXPECT_GT(received, 1000);
}

TEST_F(LanePortTest, RefusesALaneOutOfTurn) {
  EXPECT_THROW(here_.port.accept({kLaneFrame, ""}), Error);  // none was offered, none comes
  open();
  EXPECT_THROW(here_.port.accept({kLaneFrame, ""}), Error);
  LanePort other;
  EXPECT_THROW(there_.port.accept(other.offer()), Error);
}

TEST_F(LanePortTest, RefusesMemoryThatIsNoLane) {
  Frame frame{kLaneFrame, ""};
  frame.fds.push_back(SharedSegment::create("small", 4096).share());
  EXPECT_THROW(here_.port.accept(std::move(frame)), Error);
  Frame unsealed{kLaneFrame, ""};
  unsealed.fds.push_back(Memfd::create("unsealed", 4096).fd().duplicate());
  EXPECT_THROW(there_.port.accept(std::move(unsealed)), Error);
}

}  // namespace
}  // namespace tandem::ipc

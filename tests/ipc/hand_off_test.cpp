#include "ipc/hand_off.hpp"

#include <chrono>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

namespace tandem::ipc {
namespace {

TEST(HandOff, RunsWhatWasPostedInOrder) {
  boost::asio::io_context io;
  const auto hand_off = HandOff::create(io);
  std::vector<int> ran;
  for (int i = 0; i < 5; ++i)
    hand_off->post([&ran, i] { ran.push_back(i); });
  io.run();
  EXPECT_EQ(ran, (std::vector{0, 1, 2, 3, 4}));
}

TEST(HandOff, NeedsNoWakingWhileItIsLookedAt) {
  boost::asio::io_context io;
  const auto hand_off = HandOff::create(io);
  int ran = 0;
  hand_off->stay_awake();
  hand_off->post([&] { ++ran; });
  EXPECT_EQ(io.poll(), 0U);
  hand_off->look();
  EXPECT_EQ(ran, 1);
  hand_off->post([&] { ++ran; });
  hand_off->fall_asleep();
  EXPECT_EQ(ran, 2);
  hand_off->post([&] { ++ran; });
  io.restart();
  io.run();
  EXPECT_EQ(ran, 3);
}

// The loop sleeps and polls by turns while another thread posts: nothing may be left lying.
TEST(HandOff, LosesNothingBetweenPollingAndSleep) {
  constexpr int kPosts = 3000;
  boost::asio::io_context io;
  const auto guard = boost::asio::make_work_guard(io);
  const auto hand_off = HandOff::create(io);
  BusyWait busy(true);
  busy.add(hand_off);
  int ran = 0;
  std::jthread posting([&] {
    for (int i = 0; i < kPosts; ++i) {
      hand_off->post([&, i] {
        EXPECT_EQ(ran, i);
        if (++ran == kPosts) io.stop();
        // Some of the posts meet the loop while it falls asleep.
        if (i % 3 == 0)
          busy.expect_more(std::chrono::steady_clock::now() - kBusyWait +
                           std::chrono::microseconds(i % 50));
      });
      if (i % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 60));
    }
  });
  busy.run(io);
  EXPECT_EQ(ran, kPosts);
}

}  // namespace
}  // namespace tandem::ipc

#include "ipc/socket/blocking_connection.hpp"

#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class BlockingConnectionTest : public testing::Test {
 protected:
  BlockingConnectionTest() : BlockingConnectionTest(socket_pair()) {}
  explicit BlockingConnectionTest(std::pair<Fd, Fd> pair)
      : here_(std::move(pair.first), FrameFormat::kWorker),
        there_(std::move(pair.second), FrameFormat::kWorker) {}

  BlockingConnection here_;
  BlockingConnection there_;
};

TEST_F(BlockingConnectionTest, TalksBothWays) {
  std::jthread echo([this] {
    while (auto frame = there_.receive())
      there_.send(std::move(*frame));
  });
  for (const std::size_t bytes : {0U, 1U, 1000U, 3000000U}) {
    // More than the socket holds: the echo has to read while this thread still sends.
    here_.send({5, std::string(bytes, 'x')});
    const auto frame = here_.receive();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->kind, 5);
    EXPECT_EQ(frame->body.size(), bytes);
  }
  here_.shutdown();
}

TEST_F(BlockingConnectionTest, SendsWholeFramesFromSeveralThreads) {
  constexpr int kThreads = 4;
  constexpr int kFrames = 50;
  std::vector<std::jthread> senders;
  for (int i = 0; i < kThreads; ++i) {
    senders.emplace_back([this, i] {
      for (int j = 0; j < kFrames; ++j) {
        here_.send({static_cast<std::uint16_t>(i), std::string(20000, static_cast<char>('a' + i))});
      }
    });
  }
  for (int i = 0; i < kThreads * kFrames; ++i) {
    const auto frame = there_.receive();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->body, std::string(20000, static_cast<char>('a' + frame->kind)));
  }
}

TEST_F(BlockingConnectionTest, WaitsUntilADeadlineAndGoesOn) {
  const auto before = steady_clock::now();
  EXPECT_TRUE(std::holds_alternative<TimedOut>(here_.receive_until(before + milliseconds(30))));
  EXPECT_GE(steady_clock::now() - before, milliseconds(30));
  EXPECT_TRUE(std::holds_alternative<TimedOut>(here_.receive_until(before)));
  there_.send({1, "late"});
  const Received received = here_.receive_until(steady_clock::now() + std::chrono::seconds(10));
  ASSERT_TRUE(std::holds_alternative<Frame>(received));
  EXPECT_EQ(std::get<Frame>(received).body, "late");
}

// Both ends poll, sleep and compute by turns; frames are small, large, and with descriptors.
TEST_F(BlockingConnectionTest, KeepsEverythingInOrderWithALane) {
  constexpr int kFrames = 4000;
  here_.offer_lane();
  here_.poll_before_sleep(std::chrono::microseconds(20));
  there_.poll_before_sleep(std::chrono::microseconds(50));
  const auto frame_of = [](int i) {
    Frame frame{static_cast<std::uint16_t>(i), std::string(i % 50 == 0 ? 30000 : 20, 'x')};
    if (i % 31 == 0) frame.fds.emplace_back(::dup(2));
    return frame;
  };
  std::jthread echo([this] {
    while (auto frame = there_.receive()) {
      if (frame->kind % 97 == 0) std::this_thread::sleep_for(milliseconds(1));
      there_.send(std::move(*frame));
    }
  });
  int received = 0;
  for (int i = 0; i < kFrames; ++i) {
    here_.send(frame_of(i));
    const bool drains = i % 5 == 4;
    while (drains && received <= i) {
      const auto frame = here_.receive();
      ASSERT_TRUE(frame);
      ASSERT_EQ(frame->kind, received);
      ASSERT_EQ(frame->body.size(), frame_of(received).body.size());
      ASSERT_EQ(frame->fds.size(), frame_of(received).fds.size());
      ++received;
    }
  }
  EXPECT_EQ(received, kFrames);
  here_.shutdown();
}

TEST_F(BlockingConnectionTest, SeesTheEndThroughALane) {
  here_.offer_lane();
  here_.poll_before_sleep(std::chrono::hours(1));
  std::jthread peer([this] {
    ASSERT_TRUE(there_.receive());
    there_.send({4, "last"});
    there_.shutdown();
  });
  here_.send({3, "first"});
  const auto frame = here_.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, "last");
  EXPECT_FALSE(here_.receive());
}

TEST_F(BlockingConnectionTest, PollsNoLongerThanItsDeadline) {
  here_.poll_before_sleep(std::chrono::hours(1));
  const auto before = steady_clock::now();
  EXPECT_TRUE(std::holds_alternative<TimedOut>(here_.receive_until(before + milliseconds(20))));
  there_.send({1, "polled"});
  const auto frame = here_.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, "polled");
}

TEST_F(BlockingConnectionTest, SleepsAfterItPolledInVain) {
  here_.poll_before_sleep(std::chrono::microseconds(1));
  std::jthread late([this] {
    std::this_thread::sleep_for(milliseconds(20));
    there_.send({1, "late"});
  });
  const auto frame = here_.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, "late");
}

TEST_F(BlockingConnectionTest, KeepsHalfAFrameOverATimeout) {
  auto [one, other] = socket_pair();
  BlockingConnection reader(std::move(one), FrameFormat::kHost);
  const FrameHeaderBytes header = to_bytes(HostFrameHeader{0, 5});
  ASSERT_EQ(::write(other.get(), header.data(), header.size()), 16);
  ASSERT_EQ(::write(other.get(), "hel", 3), 3);
  EXPECT_TRUE(std::holds_alternative<TimedOut>(
      reader.receive_until(steady_clock::now() + milliseconds(10))));
  ASSERT_EQ(::write(other.get(), "lo", 2), 2);
  const auto frame = reader.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, "hello");
}

TEST_F(BlockingConnectionTest, SeesThePeersEnd) {
  there_.send({1, "last"});
  { const BlockingConnection gone = std::move(there_); }
  const Received last = here_.receive_until(steady_clock::now() + std::chrono::seconds(10));
  EXPECT_TRUE(std::holds_alternative<Frame>(last));
  EXPECT_TRUE(std::holds_alternative<PeerEnded>(here_.receive_until(steady_clock::now())));
  EXPECT_FALSE(here_.receive());
  EXPECT_EQ(thrown_by([&] { here_.send({1, "hello?"}); }), ErrorCode::kNotFound);
}

TEST_F(BlockingConnectionTest, IsWokenByShutdown) {
  std::optional<Frame> received = Frame{};
  std::optional<ErrorCode> sent;
  std::jthread receiver([&] { received = here_.receive(); });
  std::jthread sender([&] {
    sent = thrown_by([&] { here_.send({1, std::string(std::size_t{8} << 20, 'x')}); });
  });
  std::this_thread::sleep_for(milliseconds(30));
  here_.shutdown();
  receiver.join();
  sender.join();
  EXPECT_FALSE(received);
  EXPECT_EQ(sent, ErrorCode::kNotFound);
}

TEST(Connect, SaysWhereThereIsNoService) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "tandem.sock";
  EXPECT_EQ(thrown_by([&] { connect(path); }), ErrorCode::kNotFound);
  EXPECT_EQ(thrown_by([&] { connect(directory.path() / std::string(100, 'x')); }),
            ErrorCode::kOutOfRange);
}

}  // namespace
}  // namespace tandem::ipc

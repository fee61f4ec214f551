// A Connection with a lane, as the coordinator has one with each worker that polls.
#include <chrono>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "ipc/busy_wait.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "ipc/socket/connection.hpp"
#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

class ConnectionLane : public testing::Test {
 protected:
  ConnectionLane() {
    auto pair = socket_pair();
    peer_ = std::make_unique<BlockingConnection>(std::move(pair.first), FrameFormat::kWorker);
    connection_ = Connection::create(io_, std::move(pair.second), FrameFormat::kWorker);
    connection_->offer_lane();
    busy_.add(connection_);
  }

  boost::asio::io_context io_;
  BusyWait busy_{true};
  std::unique_ptr<BlockingConnection> peer_;
  std::shared_ptr<Connection> connection_;
};

TEST_F(ConnectionLane, AnswersInOrderWhetherItPollsOrSleeps) {
  constexpr int kFrames = 3000;
  peer_->poll_before_sleep(std::chrono::microseconds(30));
  std::jthread echo([this] {
    while (auto frame = peer_->receive())
      peer_->send(std::move(*frame));
  });
  int sent = 0, received = 0;
  const auto send_some = [&] {
    for (int i = 0; i < 3 && sent < kFrames; ++i, ++sent)
      connection_->send(
          {static_cast<std::uint16_t>(sent), std::string(sent % 40 == 0 ? 20000 : 30, 'x')});
  };
  connection_->start(
      [&](const Frame& frame) {
        ASSERT_EQ(frame.kind, received);
        ++received;
        if (received == kFrames) return io_.stop();
        if (received % 11 != 0) busy_.expect_more(std::chrono::steady_clock::now());
        if (received == sent) send_some();
      },
      [&](const std::optional<Failure>&) { io_.stop(); });
  send_some();
  busy_.run(io_);
  EXPECT_EQ(received, kFrames);
  peer_->shutdown();
}

TEST_F(ConnectionLane, EndsWithAPeerThatAnswersTwice) {
  std::optional<Failure> failure;
  connection_->start([](const Frame&) {},
                     [&](const std::optional<Failure>& ended) {
                       failure = ended;
                       io_.stop();
                     });
  peer_->send({kLaneFrame, ""});
  peer_->send({kLaneFrame, ""});
  busy_.run(io_);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code, ErrorCode::kBadFrame);
}

}  // namespace
}  // namespace tandem::ipc

#include "ipc/socket/connection.hpp"

#include <fcntl.h>
#include <thread>

#include <gtest/gtest.h>

#include "ipc/socket/blocking_connection.hpp"
#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() {
    auto pair = socket_pair();
    peer_ = std::move(pair.first);
    connection_ = Connection::create(io_, std::move(pair.second), FrameFormat::kHost, limits_);
  }

  void start() {
    connection_->start([this](Frame frame) { frames_.push_back(std::move(frame)); },
                       [this](const std::optional<Failure>& failure) {
                         ++closed_;
                         failure_ = failure;
                       });
  }

  static void write(const Fd& to, Frame frame) {
    FrameWriter writer(FrameFormat::kHost, std::move(frame));
    ASSERT_EQ(writer.write(to.get()), WriteResult::kDone);
  }

  boost::asio::io_context io_;
  SendLimits limits_{std::size_t{1} << 20, 100};
  Fd peer_;
  std::shared_ptr<Connection> connection_;
  std::vector<Frame> frames_;
  int closed_ = 0;
  std::optional<Failure> failure_;
};

TEST_F(ConnectionTest, ReceivesFrames) {
  start();
  std::vector<Fd> fds;
  fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  write(peer_, {0, "one", std::move(fds)});
  for (int i = 0; i < 100; ++i)
    write(peer_, {0, std::to_string(i)});
  ASSERT_TRUE(run_until(io_, [&] { return frames_.size() == 101; }));
  EXPECT_EQ(frames_[0].fds.size(), 1U);
  EXPECT_EQ(frames_[100].body, "99");
  EXPECT_EQ(closed_, 0);
}

TEST_F(ConnectionTest, SendsMoreThanTheKernelTakesAtOnce) {
  start();
  const std::string body(std::size_t{10} << 20, 'x');
  connection_->send({0, body});
  EXPECT_GT(connection_->queued_bytes(), 0U);
  std::optional<Frame> received;
  std::jthread reader(
      [&] { received = BlockingConnection(std::move(peer_), FrameFormat::kHost).receive(); });
  ASSERT_TRUE(run_until(io_, [&] { return connection_->queued_bytes() == 0; }));
  reader.join();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->body, body);
}

TEST_F(ConnectionTest, CountsWhatThePeerHasNotRead) {
  start();
  EXPECT_EQ(connection_->unread_bytes(), 0U);
  connection_->send({0, std::string(5000, 'x')});
  EXPECT_EQ(connection_->queued_bytes(), 0U);
  EXPECT_GE(connection_->unread_bytes(), 5000U);
  BlockingConnection reader(std::move(peer_), FrameFormat::kHost);
  ASSERT_TRUE(reader.receive());
  EXPECT_EQ(connection_->unread_bytes(), 0U);
}

TEST_F(ConnectionTest, TellsThatThePeerLeft) {
  start();
  write(peer_, {0, "last"});
  peer_.reset();
  ASSERT_TRUE(run_until(io_, [&] { return closed_ == 1; }));
  EXPECT_FALSE(failure_);
  ASSERT_EQ(frames_.size(), 1U);
  EXPECT_FALSE(connection_->is_open());
  connection_->send({0, "into the void"});
  EXPECT_EQ(connection_->queued_bytes(), 0U);
}

// What the peer said before it went is read even where sending has already failed.
TEST_F(ConnectionTest, ReadsTheLastFramesOfAPeerThatWent) {
  start();
  write(peer_, {0, "last"});
  peer_.reset();
  connection_->send({0, "too late"});
  ASSERT_TRUE(run_until(io_, [&] { return closed_ == 1; }));
  ASSERT_EQ(frames_.size(), 1U);
  EXPECT_EQ(frames_[0].body, "last");
}

TEST_F(ConnectionTest, EndsOnABadFrame) {
  start();
  ASSERT_EQ(::write(peer_.get(), "GET / HTTP/1.1\r\n", 16), 16);
  ASSERT_TRUE(run_until(io_, [&] { return closed_ == 1; }));
  ASSERT_TRUE(failure_);
  EXPECT_EQ(failure_->code, ErrorCode::kBadFrame);
  BlockingConnection peer(std::move(peer_), FrameFormat::kHost);
  EXPECT_FALSE(peer.receive());
}

TEST_F(ConnectionTest, AnswersABadFrameAndCloses) {
  connection_->start([](const Frame&) {},
                     [this](const std::optional<Failure>& failure) {
                       ++closed_;
                       connection_->send_and_close({0, failure->message});
                       connection_.reset();
                     });
  // The announced body never comes.
  FrameHeaderBytes header = to_bytes(HostFrameHeader{0, 1000});
  header[15] = std::byte{1};
  ASSERT_EQ(::write(peer_.get(), header.data(), header.size()), 16);
  ASSERT_TRUE(run_until(io_, [&] { return closed_ == 1; }));
  BlockingConnection peer(std::move(peer_), FrameFormat::kHost);
  const auto frame = peer.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, "The last bytes of a frame's header must be 0.");
  EXPECT_FALSE(peer.receive());
  EXPECT_EQ(closed_, 1);
}

TEST_F(ConnectionTest, CutsAPeerThatDoesNotReadItsLastFrame) {
  start();
  connection_->send({0, std::string(std::size_t{1} << 20, 'x')});
  connection_->send_and_close({0, "the end"});
  const auto before = steady_clock::now();
  const std::weak_ptr<Connection> alive = connection_;
  connection_.reset();
  EXPECT_FALSE(alive.expired());
  ASSERT_TRUE(run_until(io_, [&] { return alive.expired(); }));
  EXPECT_LT(steady_clock::now() - before, Connection::kLinger + std::chrono::seconds(5));
  EXPECT_EQ(closed_, 0);
}

TEST_F(ConnectionTest, EndsAtASlowReader) {
  start();
  // The socket takes some, the queue takes the rest up to its limit.
  for (int i = 0; i < 50 && connection_->queued_bytes() < limits_.bytes / 2; ++i) {
    connection_->send({0, std::string(100000, 'x')});
  }
  EXPECT_EQ(closed_, 0);
  for (int i = 0; i < 20; ++i)
    connection_->send({0, std::string(100000, 'x')});
  EXPECT_EQ(closed_, 0) << "called from inside send";
  ASSERT_TRUE(run_until(io_, [&] { return closed_ == 1; }));
  ASSERT_TRUE(failure_);
  EXPECT_EQ(failure_->code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(connection_->queued_bytes(), 0U);
}

TEST_F(ConnectionTest, LimitsTheNumberOfFramesToo) {
  start();
  connection_->send({0, std::string(std::size_t{1} << 20, 'x')});
  for (int i = 0; i < 120; ++i)
    connection_->send({0, "small"});
  ASSERT_TRUE(run_until(io_, [&] { return closed_ == 1; }));
  EXPECT_EQ(failure_->code, ErrorCode::kResourceExhausted);
}

TEST_F(ConnectionTest, CallsNobodyAfterClose) {
  start();
  write(peer_, {0, "one"});
  peer_.reset();
  connection_->close();
  run_for(io_, milliseconds(50));
  EXPECT_EQ(closed_, 0);
  EXPECT_TRUE(frames_.empty());
}

TEST_F(ConnectionTest, MayBeClosedAndDestroyedInItsHandlers) {
  connection_->start(
      [this](Frame frame) {
        frames_.push_back(std::move(frame));
        connection_->close();
        connection_.reset();
      },
      [this](const std::optional<Failure>&) { ++closed_; });
  write(peer_, {0, "one"});
  write(peer_, {0, "two"});
  ASSERT_TRUE(run_until(io_, [&] { return connection_ == nullptr; }));
  run_for(io_, milliseconds(20));
  EXPECT_EQ(frames_.size(), 1U);
  EXPECT_EQ(closed_, 0);
}

TEST_F(ConnectionTest, IsGoneWithItsOwner) {
  const std::size_t before = open_descriptors();
  start();
  run_for(io_, milliseconds(10));
  connection_.reset();
  EXPECT_EQ(open_descriptors(), before - 1);
  run_for(io_, milliseconds(10));
  EXPECT_EQ(closed_, 0);
}

}  // namespace
}  // namespace tandem::ipc

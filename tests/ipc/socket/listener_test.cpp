#include "ipc/socket/listener.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "ipc/process/child_process.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "ipc/socket/socket_path.hpp"
#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

class ListenerTest : public testing::Test {
 protected:
  void listen(std::vector<uid_t> also_allowed = {}) {
    auto claimed = ServiceSocket::claim(path_);
    listener_ = std::make_unique<Listener>(io_, std::get<ServiceSocket>(std::move(claimed)),
                                           std::move(also_allowed),
                                           [this](Fd socket, const PeerCredentials& peer) {
                                             accepted_.push_back(std::move(socket));
                                             peers_.push_back(peer);
                                           });
  }

  // The exit code of a process of another user that connects; -1 where it did not end.
  int connect_as_nobody() {
    // Else the modes refuse it before the listener can.
    fs::permissions(directory_.path(), fs::perms::all);
    fs::permissions(path_, fs::perms::all);
    SpawnOptions options;
    options.program = TANDEM_TEST_HELPER;
    options.arguments = {"connect_as", std::to_string(kNobody), path_.string()};
    ChildProcess other(io_, std::move(options));
    const bool ended = run_until(io_, [&] {
      accepted_.clear();
      return other.exit_status().has_value();
    });
    return ended ? other.exit_status()->code.value_or(-1) : -1;
  }

  boost::asio::io_context io_;
  TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "tandem.sock";
  std::unique_ptr<Listener> listener_;
  std::vector<Fd> accepted_;
  std::vector<PeerCredentials> peers_;
};

TEST_F(ListenerTest, TakesConnections) {
  listen();
  BlockingConnection client = connect(path_);
  ASSERT_TRUE(run_until(io_, [&] { return accepted_.size() == 1; }));
  EXPECT_EQ(peers_[0].uid, ::geteuid());
  EXPECT_EQ(peers_[0].pid, ::getpid());
  EXPECT_EQ(::fcntl(accepted_[0].get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  BlockingConnection server(std::move(accepted_[0]), FrameFormat::kHost);
  client.send({0, "{}"});
  const auto frame = server.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->body, "{}");
}

TEST_F(ListenerTest, TakesManyConnections) {
  listen();
  std::vector<BlockingConnection> clients;
  for (int i = 0; i < 150; ++i)
    clients.push_back(connect(path_));
  EXPECT_TRUE(run_until(io_, [&] { return accepted_.size() == 150; }));
}

TEST_F(ListenerTest, StopsWithItsOwner) {
  listen();
  const auto client = connect(path_);
  listener_.reset();
  run_for(io_, std::chrono::milliseconds(20));
  EXPECT_TRUE(accepted_.empty());
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(entries_in(directory_.path()), 0U);
}

TEST_F(ListenerTest, RefusesOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to connect as another user";
  listen();
  const int code = connect_as_nobody();
  if (code == 3) GTEST_SKIP() << "the other user cannot run the helper or reach the socket";
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(peers_.empty());
}

TEST_F(ListenerTest, TakesUsersThatAreAllowed) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to connect as another user";
  listen({kNobody});
  EXPECT_EQ(connect_as_nobody(), 0);
  ASSERT_EQ(peers_.size(), 1U);
  EXPECT_EQ(peers_[0].uid, kNobody);
}

// Out of descriptors: the new peer is closed at once, and service goes on when there are some
// again.
TEST_F(ListenerTest, ShedsConnectionsItHasNoDescriptorFor) {
  listen();
  Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = socket_address(path_);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
            0);
  BlockingConnection shed(std::move(client), FrameFormat::kHost);
  run_for(io_, std::chrono::milliseconds(0));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const Fd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const rlimit none{static_cast<rlim_t>(lowest.get()), before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  run_for(io_, std::chrono::milliseconds(50));
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(accepted_.empty());
  EXPECT_TRUE(std::holds_alternative<PeerEnded>(
      shed.receive_until(std::chrono::steady_clock::now() + std::chrono::seconds(1))));

  const auto next = connect(path_);
  EXPECT_TRUE(run_until(io_, [&] { return accepted_.size() == 1; }));
}

}  // namespace
}  // namespace tandem::ipc

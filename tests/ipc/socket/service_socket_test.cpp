#include "ipc/socket/service_socket.hpp"

#include <algorithm>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "ipc/process/child_process.hpp"
#include "ipc/process/last_words.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "ipc/socket/socket_path.hpp"
#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

namespace fs = std::filesystem;

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

class ServiceSocketTest : public testing::Test {
 protected:
  std::optional<ErrorCode> refusal(const fs::path& path) {
    return thrown_by([&] { (void)ServiceSocket::claim(path); });
  }

  // A socket as a killed service leaves it, or one that listens but holds no lock.
  Fd bind_socket(bool listening) const {
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = socket_address(path_);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    if (listening) {
      EXPECT_EQ(::listen(socket.get(), 1), 0);
    }
    return socket;
  }

  TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "run" / "tandem.sock";
};

TEST_F(ServiceSocketTest, ListensWithItsModes) {
  {
    const auto claimed = ServiceSocket::claim(path_);
    ASSERT_TRUE(std::holds_alternative<ServiceSocket>(claimed));
    EXPECT_EQ(mode_of(path_), 0600U);
    EXPECT_EQ(mode_of(path_.parent_path()), 0700U);
    EXPECT_EQ(mode_of(path_.string() + ".lock"), 0600U);
    EXPECT_EQ(entries_in(path_.parent_path()), 2U);
    std::ifstream lock(path_.string() + ".lock");
    pid_t pid = 0;
    lock >> pid;
    EXPECT_EQ(pid, ::getpid());
    EXPECT_NO_THROW(connect(path_));
  }
  EXPECT_EQ(entries_in(path_.parent_path()), 0U);
}

TEST_F(ServiceSocketTest, IsClaimedOnce) {
  const auto first = ServiceSocket::claim(path_);
  const auto second = ServiceSocket::claim(path_);
  ASSERT_TRUE(std::holds_alternative<AlreadyRunning>(second));
  EXPECT_EQ(std::get<AlreadyRunning>(second).pid, ::getpid());
  EXPECT_NO_THROW(connect(path_));
}

TEST_F(ServiceSocketTest, ReplacesAStaleSocketAndLock) {
  fs::create_directory(path_.parent_path());
  fs::permissions(path_.parent_path(), fs::perms::owner_all);
  bind_socket(false).reset();
  std::ofstream(path_.string() + ".lock") << "999999999\n";
  EXPECT_EQ(thrown_by([&] { connect(path_); }), ErrorCode::kNotFound);
  const auto claimed = ServiceSocket::claim(path_);
  ASSERT_TRUE(std::holds_alternative<ServiceSocket>(claimed));
  EXPECT_NO_THROW(connect(path_));
}

TEST_F(ServiceSocketTest, LeavesASocketAloneThatSomebodyListensOn) {
  fs::create_directory(path_.parent_path());
  fs::permissions(path_.parent_path(), fs::perms::owner_all);
  const Fd other = bind_socket(true);
  const auto claimed = ServiceSocket::claim(path_);
  ASSERT_TRUE(std::holds_alternative<AlreadyRunning>(claimed));
  EXPECT_EQ(std::get<AlreadyRunning>(claimed).pid, ::getpid());
  EXPECT_NO_THROW(connect(path_));
  EXPECT_FALSE(fs::exists(path_.string() + ".lock"));
}

TEST_F(ServiceSocketTest, NeverReplacesAnythingElse) {
  fs::create_directory(path_.parent_path());
  fs::permissions(path_.parent_path(), fs::perms::owner_all);
  std::ofstream(path_) << "precious";
  EXPECT_EQ(refusal(path_), ErrorCode::kInternal);
  EXPECT_EQ(fs::file_size(path_), 8U);
  fs::remove(path_);
  fs::create_symlink("elsewhere", path_);
  EXPECT_EQ(refusal(path_), ErrorCode::kInternal);
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_FALSE(fs::exists(path_.string() + ".lock"));
}

TEST_F(ServiceSocketTest, RemovesOnlyItsOwnSocket) {
  {
    const auto claimed = ServiceSocket::claim(path_);
    fs::remove(path_);
    std::ofstream(path_) << "of somebody else";
  }
  EXPECT_TRUE(fs::is_regular_file(path_));
}

TEST_F(ServiceSocketTest, RefusesDirectoriesThatOthersMayChange) {
  const fs::path run = path_.parent_path();
  fs::create_directory(run);
  fs::permissions(run, fs::perms::all);
  EXPECT_EQ(refusal(path_), ErrorCode::kInternal);
  fs::remove(run);
  fs::create_directory(directory_.path() / "real");
  fs::create_symlink(directory_.path() / "real", run);
  EXPECT_EQ(refusal(path_), ErrorCode::kInternal);
  fs::remove(run);
  std::ofstream(run) << "a file";
  EXPECT_EQ(refusal(path_), ErrorCode::kInternal);
  EXPECT_EQ(entries_in(directory_.path() / "real"), 0U);
}

TEST_F(ServiceSocketTest, RefusesAPathThatIsTooLong) {
  EXPECT_EQ(refusal(directory_.path() / std::string(120, 'x')), ErrorCode::kOutOfRange);
}

// Many processes at once: one serves, every other names it.
TEST_F(ServiceSocketTest, IsClaimedByOneOfManyProcesses) {
  struct Claimant {
    LastWords words;
    std::unique_ptr<ChildProcess> process;
  };
  boost::asio::io_context io;
  std::vector<std::unique_ptr<Claimant>> all;
  for (int i = 0; i < 12; ++i) {
    all.push_back(std::make_unique<Claimant>());
    SpawnOptions options;
    options.program = TANDEM_TEST_HELPER;
    options.arguments = {"claim", path_.string()};
    options.on_line = [words = &all.back()->words](std::string_view line) { words->add(line); };
    all.back()->process = std::make_unique<ChildProcess>(io, std::move(options));
  }
  const auto has_spoken = [](const auto& one) { return !one->words.lines().empty(); };
  ASSERT_TRUE(run_until(io, [&] { return std::all_of(all.begin(), all.end(), has_spoken); }));

  const auto winner = std::find_if(all.begin(), all.end(), [](const auto& one) {
    return one->words.text().starts_with("claimed ");
  });
  ASSERT_NE(winner, all.end());
  const std::string pid = std::to_string((*winner)->process->pid());
  EXPECT_EQ((*winner)->words.text(), "claimed " + pid);
  for (const auto& one : all) {
    if (one != *winner) {
      EXPECT_EQ(one->words.text(), "running " + pid);
    }
  }

  // A killed service stands in nobody's way.
  (*winner)->process->kill(SIGKILL);
  ASSERT_TRUE(run_until(io, [&] { return (*winner)->process->exit_status().has_value(); }));
  EXPECT_TRUE(fs::exists(path_));
  EXPECT_TRUE(std::holds_alternative<ServiceSocket>(ServiceSocket::claim(path_)));
  EXPECT_EQ(entries_in(path_.parent_path()), 0U);
}

}  // namespace
}  // namespace tandem::ipc

#include "ipc/process/child_process.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <gtest/gtest.h>

#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/last_words.hpp"
#include "ipc/process/pidfd.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class ChildProcessTest : public testing::Test {
 protected:
  // A loop opens its own descriptors with its first object: before they are counted.
  ChildProcessTest() { const boost::asio::posix::stream_descriptor first(io_); }
  ~ChildProcessTest() override {
    process_.reset();
    // Every child was reaped.
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }

  void start(std::vector<std::string> arguments, int connection_fd = -1) {
    SpawnOptions options;
    options.program = TANDEM_TEST_HELPER;
    options.arguments = std::move(arguments);
    options.environment = {"TANDEM_TEST_VARIABLE=its value"};
    options.connection_fd = connection_fd;
    options.on_line = [this](std::string_view line) { words_.add(line); };
    process_ = std::make_unique<ChildProcess>(io_, std::move(options));
    process_->on_exit([this](const ExitStatus& status) {
      ++exits_;
      status_ = status;
    });
  }

  bool wait_for_exit() {
    return run_until(io_, [this] { return exits_ > 0; });
  }
  bool wait_for_line() {
    return run_until(io_, [this] { return !words_.lines().empty(); });
  }

  boost::asio::io_context io_;
  LastWords words_;
  std::unique_ptr<ChildProcess> process_;
  int exits_ = 0;
  ExitStatus status_;
};

TEST_F(ChildProcessTest, TellsItsExitCode) {
  start({"exit", "3"});
  ASSERT_TRUE(wait_for_exit());
  EXPECT_TRUE(status_.exited_by_itself());
  EXPECT_EQ(status_.code, 3);
  EXPECT_EQ(describe(status_), "exited with status 3");
  EXPECT_EQ(process_->exit_status()->code, 3);
  process_->kill(SIGKILL);
  EXPECT_EQ(exits_, 1);
}

TEST_F(ChildProcessTest, TellsTheSignalThatEndedIt) {
  start({"crash"});
  ASSERT_TRUE(wait_for_exit());
  EXPECT_FALSE(status_.exited_by_itself());
  EXPECT_EQ(status_.signal, SIGABRT);
  EXPECT_EQ(describe(status_).substr(0, 20), "was ended by SIGABRT");
  EXPECT_EQ(words_.text(), "about to crash");
}

TEST_F(ChildProcessTest, HandsOnEveryLineBeforeTheExit) {
  start({"lines", "5000"});
  ASSERT_TRUE(wait_for_exit());
  ASSERT_EQ(words_.lines().size(), 200U);
  EXPECT_EQ(words_.lines().back(), "without a newline");
  EXPECT_EQ(words_.lines()[198], "to standard output");
  EXPECT_EQ(words_.lines()[197], "line 4999");
}

TEST_F(ChildProcessTest, TalksOverItsConnection) {
  start({"echo", "3"}, 3);
  BlockingConnection connection(process_->take_connection(), FrameFormat::kWorker);
  connection.send({4, "hello"});
  const auto frame = connection.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->kind, 4);
  EXPECT_EQ(frame->body, "hello");
  connection.shutdown();
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(status_.code, 0);
}

TEST_F(ChildProcessTest, InheritsNothingElse) {
  const Fd leak(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  start({"descriptors"}, 7);
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(words_.text(), "0 1 2 7 ");
}

TEST_F(ChildProcessTest, StartsWithACleanState) {
  ignore_sigpipe();
  start({"tell", "TANDEM_TEST_VARIABLE"});
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(words_.text(), "its value\nown group\ndefault");
}

TEST_F(ChildProcessTest, TellsItsChildWhoTheParentIs) {
  start({"tell", kParentVariable});
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(words_.lines()[0], std::to_string(::getpid()));
}

TEST_F(ChildProcessTest, IsKilled) {
  start({"sleep"});
  ASSERT_TRUE(wait_for_line());
  process_->kill(SIGKILL);
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(describe(status_), "was ended by SIGKILL");
}

TEST_F(ChildProcessTest, SeesItsEndAtOnce) {
  start({"sleep"});
  ASSERT_TRUE(wait_for_line());
  const auto before = steady_clock::now();
  ::kill(process_->pid(), SIGKILL);
  ASSERT_TRUE(wait_for_exit());
  EXPECT_LT(steady_clock::now() - before, seconds(2));
}

TEST_F(ChildProcessTest, TerminatesWithSigterm) {
  start({"sleep"});
  ASSERT_TRUE(wait_for_line());
  process_->terminate(seconds(60));
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(status_.signal, SIGTERM);
}

TEST_F(ChildProcessTest, KillsWhatDoesNotEndOnSigterm) {
  start({"sleep_through_sigterm"});
  ASSERT_TRUE(wait_for_line());
  const auto before = steady_clock::now();
  process_->terminate(milliseconds(100));
  ASSERT_TRUE(wait_for_exit());
  EXPECT_GE(steady_clock::now() - before, milliseconds(100));
  EXPECT_EQ(status_.signal, SIGKILL);
}

TEST_F(ChildProcessTest, KillsAStoppedProcess) {
  start({"sleep"});
  ASSERT_TRUE(wait_for_line());
  process_->kill(SIGSTOP);
  process_->kill(SIGKILL);
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(status_.signal, SIGKILL);
}

TEST_F(ChildProcessTest, EndsWithItsOwner) {
  const std::size_t before = open_descriptors();
  start({"sleep"}, 3);
  ASSERT_TRUE(wait_for_line());
  const pid_t pid = process_->pid();
  process_.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  run_for(io_, milliseconds(10));
  EXPECT_EQ(exits_, 0);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChildProcessTest, ReapsWhatATracerHolds) {
  start({"sleep_traced", "100"});
  ASSERT_TRUE(wait_for_line());
  if (words_.text() != "traced") GTEST_SKIP() << "tracing is not permitted here";
  process_->kill(SIGKILL);
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(status_.signal, SIGKILL);
}

TEST_F(ChildProcessTest, EndsWithItsOwnerWhileATracerHoldsIt) {
  start({"sleep_traced", "100"});
  ASSERT_TRUE(wait_for_line());
  if (words_.text() != "traced") GTEST_SKIP() << "tracing is not permitted here";
  const pid_t pid = process_->pid();
  process_.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST_F(ChildProcessTest, MayBeDestroyedInItsHandlers) {
  start({"exit", "0"});
  process_->on_exit([this](const ExitStatus&) {
    ++exits_;
    process_.reset();
  });
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(process_, nullptr);

  SpawnOptions options;
  options.program = TANDEM_TEST_HELPER;
  options.arguments = {"lines", "100"};
  options.on_line = [this](std::string_view) { process_.reset(); };
  process_ = std::make_unique<ChildProcess>(io_, std::move(options));
  EXPECT_TRUE(run_until(io_, [this] { return process_ == nullptr; }));
}

TEST_F(ChildProcessTest, SaysWhichProgramCannotBeExecuted) {
  const std::size_t before = open_descriptors();
  for (const char* program : {"/no/such/program", "/etc/hostname", "/tmp"}) {
    SpawnOptions options;
    options.program = program;
    options.connection_fd = 3;
    options.on_line = [](std::string_view) {};
    try {
      const ChildProcess process(io_, std::move(options));
      FAIL() << program;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMissingFile);
      EXPECT_EQ(error.failure().path, program);
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChildProcessTest, DoesNotWaitForWhoElseHoldsItsOutput) {
  SpawnOptions options;
  options.program = "/bin/sh";
  options.arguments = {"-c", "sleep 3 & echo started; exit 5"};
  options.on_line = [this](std::string_view line) { words_.add(line); };
  process_ = std::make_unique<ChildProcess>(io_, std::move(options));
  process_->on_exit([this](const ExitStatus& status) {
    ++exits_;
    status_ = status;
  });
  const auto before = steady_clock::now();
  ASSERT_TRUE(wait_for_exit());
  EXPECT_LT(steady_clock::now() - before, seconds(3));
  EXPECT_EQ(status_.code, 5);
  EXPECT_EQ(words_.text(), "started");
}

TEST_F(ChildProcessTest, DiesWithAParentThatIsKilled) {
  start({"be_parent"});
  ASSERT_TRUE(wait_for_line());
  ASSERT_TRUE(words_.text().starts_with("child ")) << words_.text();
  const pid_t grandchild = std::stoi(words_.text().substr(6));
  const Fd pidfd(::pidfd_open(grandchild, 0));
  ASSERT_TRUE(pidfd.valid());
  process_->kill(SIGKILL);
  pollfd entry{pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 10000), 1);
}

TEST_F(ChildProcessTest, DiesWhereItsParentIsAlreadyGone) {
  SpawnOptions options;
  options.program = "/usr/bin/env";
  options.arguments = {std::string(kParentVariable) + "=1", TANDEM_TEST_HELPER, "be_child"};
  process_ = std::make_unique<ChildProcess>(io_, std::move(options));
  process_->on_exit([this](const ExitStatus& status) {
    ++exits_;
    status_ = status;
  });
  ASSERT_TRUE(wait_for_exit());
  EXPECT_EQ(status_.signal, SIGKILL);
}

}  // namespace
}  // namespace tandem::ipc

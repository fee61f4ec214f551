// The real `tandem` beside a stand-in for the coordinator: what is started, what is left behind.
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/tools/test_folder.hpp"
#include "tools/client/client.hpp"
#include "tools/tandem/coordinator_process.hpp"
#include "tools/tandem/exit_status.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Waits until a condition holds; false after ten seconds.
bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

// A process that has ended, but whom nobody has asked about yet, is not alive.
bool is_alive(pid_t pid) {
  const std::string stat = read_text("/proc/" + std::to_string(pid) + "/stat");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

class ProcessTest : public testing::Test {
 protected:
  ProcessTest() {
    ::setenv("XDG_RUNTIME_DIR", make("runtime").c_str(), 1);
    ::setenv("XDG_STATE_HOME", make("state").c_str(), 1);
    ::setenv("TANDEM_LOG", "off", 1);
    ::unsetenv("TANDEM_SOCKET");
    write_text(folder_ / "job.json", R"({"version": 1, "positive": [{"text": "x"}],
      "output": {"image": "i.png"}})");
    write_text(folder_ / "hang.json", R"({"version": 1, "positive": [{"text": "hang"}],
      "output": {"image": "i.png"}})");
  }
  ~ProcessTest() override { run({"down", "--socket", socket()}); }

  std::string make(const std::string& name) {
    fs::create_directory(folder_ / name);
    return (folder_ / name).string();
  }
  std::string socket() const { return (folder_ / "service/s.sock").string(); }
  std::string job() const { return (folder_ / "job.json").string(); }

  // Output and error go to out.txt.
  pid_t start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), (program_folder() / "fake/tandem").string());
    std::vector<char*> argv;
    for (std::string& argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, (folder_ / "out.txt").c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    pid_t pid = 0;
    EXPECT_EQ(::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
  }
  static int wait(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  int run(std::vector<std::string> arguments) { return wait(start(std::move(arguments))); }
  std::string output() const { return read_text(folder_ / "out.txt"); }

  bool has_private_folder() const { return !fs::is_empty(folder_ / "runtime"); }
  ServiceInfo info() const { return Client(socket(), "test").service(); }

  TestFolder folder_;
};

TEST(WorkerOptions, AreGivenOnInTheCommandLinesWords) {
  EXPECT_TRUE(to_arguments({}).empty());
  EXPECT_EQ(to_arguments({"/c.yaml",
                          "gpu:0",
                          2,
                          "1,0",
                          "off",
                          "on",
                          "cuda-ipc",
                          "min-vram",
                          "8GiB",
                          {"/a.so", "/b.so"}}),
            (std::vector<std::string>{
                "--config",      "/c.yaml",  "--devices",     "gpu:0",    "--threads",   "2",
                "--cuda-device", "1,0",      "--cuda-graphs", "off",      "--busy-wait", "on",
                "--transport",   "cuda-ipc", "--hook-cache",  "min-vram", "--budget",    "8GiB",
                "--plugin",      "/a.so",    "--plugin",      "/b.so"}));
}

TEST_F(ProcessTest, RunStartsAServiceOfItsOwnAndLeavesNothing) {
  EXPECT_EQ(run({"run", job()}), kDone) << output();
  EXPECT_TRUE(fs::exists(folder_ / "i.png"));
  EXPECT_FALSE(has_private_folder());
}

TEST_F(ProcessTest, RunPassesOnWhyItsServiceDidNotStart) {
  EXPECT_EQ(run({"run", job(), "--devices", "exit:2"}), kUsage) << output();
  EXPECT_FALSE(has_private_folder());
}

TEST_F(ProcessTest, AnInterruptedRunLeavesNothing) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const pid_t pid = start({"run", (folder_ / "hang.json").string(), "--devices", "x"});
    ASSERT_TRUE(eventually([&] { return output().find("step 2/2") != std::string::npos; }));
    ::kill(pid, signal);
    EXPECT_EQ(wait(pid), kSignalled + signal) << output();
    EXPECT_FALSE(has_private_folder());
    EXPECT_FALSE(fs::exists(folder_ / "i.png"));
  }
}

TEST_F(ProcessTest, UpAndDown) {
  ASSERT_EQ(run({"up", "--socket", socket()}), kDone) << output();
  const ServiceInfo service = info();
  EXPECT_EQ(output(), "tandem is up (pid " + std::to_string(service.launcher_pid) + ") at " +
                          socket() + "\n");
  EXPECT_EQ(::getsid(service.launcher_pid), service.launcher_pid);
  EXPECT_EQ(run({"up", "--socket", socket()}), kAlreadyRunning);
  EXPECT_NE(output().find("pid " + std::to_string(service.pid)), std::string::npos) << output();
  EXPECT_EQ(run({"run", job(), "--socket", socket()}), kDone) << output();
  EXPECT_EQ(run({"down", "--socket", socket()}), kDone) << output();
  EXPECT_FALSE(is_alive(service.pid));
  EXPECT_FALSE(is_alive(service.launcher_pid));
  EXPECT_TRUE(fs::is_empty(folder_ / "service"));
  EXPECT_EQ(run({"down", "--socket", socket()}), kNoService);
}

TEST_F(ProcessTest, AKilledCoordinatorIsReplaced) {
  ASSERT_EQ(run({"up", "--socket", socket()}), kDone) << output();
  const ServiceInfo first = info();
  ::kill(first.pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !is_alive(first.pid); }));
  ASSERT_TRUE(eventually([&] {
    try {
      return info().pid != first.pid;
    } catch (const Error&) {
      return false;
    }
  }));
  EXPECT_EQ(info().launcher_pid, first.launcher_pid);
}

TEST_F(ProcessTest, AKilledLauncherTakesItsCoordinatorAlong) {
  ASSERT_EQ(run({"up", "--socket", socket()}), kDone) << output();
  const ServiceInfo service = info();
  ::kill(service.launcher_pid, SIGKILL);
  EXPECT_TRUE(eventually([&] { return !is_alive(service.pid); }));
  EXPECT_EQ(run({"up", "--socket", socket()}), kDone)
      << "what it left is no obstacle: " << output();
}

TEST_F(ProcessTest, UpTellsWhyTheServiceDidNotStart) {
  EXPECT_EQ(run({"up", "--socket", socket(), "--devices", "exit:2"}), kUsage);
  EXPECT_NE(output().find("the service did not start"), std::string::npos) << output();
}

TEST_F(ProcessTest, TheForegroundEndsWithItsSignal) {
  const pid_t pid = start({"up", "--foreground", "--socket", socket()});
  ASSERT_TRUE(eventually([&] { return output().find("tandem is up") != std::string::npos; }));
  const pid_t coordinator = info().pid;
  ::kill(pid, SIGINT);
  EXPECT_EQ(wait(pid), kDone) << output();
  EXPECT_FALSE(is_alive(coordinator));
  EXPECT_TRUE(fs::is_empty(folder_ / "service"));
}

TEST_F(ProcessTest, ASignalEndsTheWaitForARestart) {
  const pid_t pid = start({"up", "--foreground", "--socket", socket(), "--devices", "crash"});
  ASSERT_TRUE(eventually([&] { return output().find("tandem is up") != std::string::npos; }));
  std::this_thread::sleep_for(200ms);
  ::kill(pid, SIGTERM);
  EXPECT_EQ(wait(pid), kDone) << output();
  EXPECT_TRUE(fs::is_empty(folder_ / "service"));
}

}  // namespace
}  // namespace tandem::client

#include "ipc/process/signals.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ipc/process/child_process.hpp"
#include "ipc/process/last_words.hpp"
#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

TEST(Signals, MakesABrokenPipeAnError) {
  ignore_sigpipe();
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  Fd(ends[0]).reset();
  const Fd writer(ends[1]);
  EXPECT_EQ(::write(writer.get(), "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST(Signals, CountsStopSignals) {
  boost::asio::io_context io;
  LastWords words;
  SpawnOptions options;
  options.program = TANDEM_TEST_HELPER;
  options.arguments = {"wait_for_stop"};
  options.on_line = [&words](std::string_view line) { words.add(line); };
  ChildProcess process(io, std::move(options));
  ASSERT_TRUE(run_until(io, [&] { return words.lines().size() == 1; }));
  process.kill(SIGINT);
  ASSERT_TRUE(run_until(io, [&] { return words.lines().size() == 2; }));
  process.kill(SIGTERM);
  ASSERT_TRUE(run_until(io, [&] { return process.exit_status().has_value(); }));
  EXPECT_EQ(words.text(), "ready\nsignal 2 count 1\nsignal 15 count 2");
  EXPECT_EQ(process.exit_status()->code, 0);
}

TEST(Signals, NotesStopSignals) {
  note_stop_signals();
  EXPECT_EQ(noted_stop_signal(), 0);
  ASSERT_EQ(::raise(SIGHUP), 0);
  EXPECT_EQ(noted_stop_signal(), SIGHUP);
}

}  // namespace
}  // namespace tandem::ipc

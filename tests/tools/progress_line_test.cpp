#include "tools/tandem/progress_line.hpp"

#include <gtest/gtest.h>

namespace tandem::client {
namespace {

using Clock = std::chrono::steady_clock;

StepEvent step(int number, int total, double seconds_per_step = 0.5) {
  return {.step = number,
          .total = total,
          .sigma = 1.0,
          .seconds_per_step = seconds_per_step,
          .seconds_left = seconds_per_step * (total - number),
          .units = {}};
}

class ProgressLineTest : public testing::Test {
 protected:
  ProgressLine make(bool is_terminal) {
    return ProgressLine({.is_terminal = is_terminal,
                         .width = [] { return std::size_t{60}; },
                         .write = [this](std::string_view text) { written_ += text; },
                         .now = [this] { return now_; }});
  }

  static JobEvent event(Event what) { return {"j", 1, std::move(what)}; }

  std::string written_;
  Clock::time_point now_{};
};

TEST(ProgressBar, ShowsShareRateAndTimeLeft) {
  EXPECT_EQ(progress_bar(step(5, 10), 60),
            "sampling [###########-----------] 5/10  2.00 it/s  0:03 left");
  EXPECT_EQ(progress_bar(step(10, 10, 4.0), 200),
            "sampling [" + std::string(40, '#') + "] 10/10  4.00 s/it");
}

TEST(ProgressBar, FitsItsColumns) {
  for (std::size_t width = 0; width < 120; ++width) {
    EXPECT_LE(progress_bar(step(123, 9999, 1234.5), width).size(), width);
  }
  EXPECT_EQ(progress_bar(step(5, 10), 30), "sampling 5/10  2.00 it/s  0:03");
}

TEST(ProgressBar, TakesNumbersFromOutside) {
  EXPECT_EQ(progress_bar({.step = 9, .total = 0, .units = {}}, 30).size(), 30U);
  EXPECT_NE(progress_bar(step(20, 10, -1.0), 60).find("20/10"), std::string::npos);
}

TEST(ClockText, CountsHours) {
  EXPECT_EQ(clock_text(0.4), "0:00");
  EXPECT_EQ(clock_text(65.0), "1:05");
  EXPECT_EQ(clock_text(7389.0), "2:03:09");
  EXPECT_EQ(clock_text(-5.0), "0:00");
  EXPECT_EQ(clock_text(1e300), "99:59:59");
}

TEST_F(ProgressLineTest, PlainLinesComeOnceASecond) {
  ProgressLine line = make(false);
  line.show(event(PhaseEvent{.phase = Phase::kQueued, .position = 2, .file = {}, .failure = {}}));
  line.show(
      event(PhaseEvent{.phase = Phase::kSampling, .position = {}, .file = {}, .failure = {}}));
  for (int i = 1; i <= 10; ++i) {
    line.show(event(step(i, 10)));
    now_ += std::chrono::milliseconds(300);
  }
  line.finish();
  EXPECT_EQ(written_,
            "queued, 2 before it\nsampling\n"
            "step 1/10, 2.00 it/s, 0:05 left\nstep 5/10, 2.00 it/s, 0:03 left\n"
            "step 9/10, 2.00 it/s, 0:01 left\nstep 10/10, 2.00 it/s\n");
}

PhaseEvent loading(std::uint64_t bytes) {
  return {.phase = Phase::kLoading,
          .position = {},
          .file = "/models/a.safetensors",
          .bytes = bytes,
          .of = 100,
          .failure = {}};
}

TEST_F(ProgressLineTest, APhaseThatIsRepeatedHasOnePlainLine) {
  ProgressLine line = make(false);
  for (std::uint64_t bytes : {0, 50, 100})
    line.show(event(loading(bytes)));
  for (int i = 0; i < 3; ++i) {
    line.show(
        event(PhaseEvent{.phase = Phase::kSampling, .position = {}, .file = {}, .failure = {}}));
  }
  EXPECT_EQ(written_, "loading a.safetensors\nsampling\n");
}

TEST_F(ProgressLineTest, ATerminalShowsHowMuchIsLoaded) {
  ProgressLine line = make(true);
  line.show(event(loading(50)));
  EXPECT_EQ(written_, "\r\x1b[Kloading a.safetensors 50 %");
}

TEST_F(ProgressLineTest, ATerminalIsDrawnOver) {
  ProgressLine line = make(true);
  line.show(event(step(1, 2)));
  line.show(event(step(2, 2)));
  line.show(event(WarningEvent{"missing_embedding", "no embedding 'x'"}));
  line.finish();
  EXPECT_EQ(written_.find('\n'), written_.size() - 1) << "one line stays: the warning";
  EXPECT_TRUE(written_.ends_with("\r\x1b[Kwarning: no embedding 'x' (missing_embedding)\n"));
}

TEST_F(ProgressLineTest, FinishEndsADrawnLineOnce) {
  ProgressLine line = make(true);
  line.finish();
  EXPECT_EQ(written_, "");
  line.show(event(step(1, 2)));
  line.finish();
  line.finish();
  EXPECT_TRUE(written_.ends_with("left\n"));
}

TEST_F(ProgressLineTest, ALostWorkerIsToldWithItsLastWords) {
  ProgressLine line = make(false);
  line.show(event(WorkerEvent{.worker = "cpu#1",
                              .what = WorkerChange::kLost,
                              .exit = {},
                              .signal = 9,
                              .last_words = "gone\x1b[2J",
                              .unit = {}}));
  EXPECT_TRUE(written_.starts_with("worker cpu#1 was lost (signal 9): gone"));
  EXPECT_EQ(written_.find('\x1b'), std::string::npos) << "nothing reaches the terminal unseen";
}

}  // namespace
}  // namespace tandem::client

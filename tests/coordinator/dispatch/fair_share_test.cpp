#include "coordinator/dispatch/fair_share.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

// Hosts with jobs that wait, run one at a time: what each has used by a clock that only runs while
// a job does.
class Machine {
 public:
  void submit(const std::string& host, int jobs, double seconds) {
    waiting_[host] += jobs;
    length_[host] = seconds;
    share_.join(host);
  }

  // Runs jobs until so many seconds have passed, or none waits.
  void run_for(double seconds) {
    for (const double end = now_ + seconds; now_ < end;) {
      std::string next;
      for (const auto& [host, jobs] : waiting_) {
        if (jobs > 0 && (next.empty() || share_.used(host) < share_.used(next))) next = host;
      }
      if (next.empty()) return;
      run_one_of(next);
    }
  }

  void run_one_of(const std::string& host) {
    --waiting_[host];
    now_ += length_[host];
    used_[host] += length_[host];
    share_.charge(host, length_[host]);
    share_.keep_only([&](const std::string& who) { return waiting_[who] > 0; });
  }

  double used(const std::string& host) { return used_[host]; }

 private:
  FairShare share_;
  std::map<std::string, int> waiting_;
  std::map<std::string, double> length_;
  std::map<std::string, double> used_;
  double now_ = 0.0;
};

TEST(FairShare, TimeIsSharedHoweverLongJobsAre) {
  Machine machine;
  machine.submit("long", 1000, 30.0);
  machine.submit("short", 10'000, 2.0);
  machine.run_for(3000.0);
  EXPECT_NEAR(machine.used("long"), machine.used("short"), 30.0);
}

TEST(FairShare, AFloodTakesNoMoreThanItsShare) {
  Machine machine;
  machine.submit("flood", 100'000, 1.0);
  machine.submit("quiet", 10, 5.0);
  machine.run_for(100.0);
  EXPECT_EQ(machine.used("quiet"), 50.0);
}

TEST(FairShare, IdlenessIsNotSavedUp) {
  Machine machine;
  machine.submit("early", 10'000, 1.0);
  machine.run_for(500.0);
  machine.submit("late", 10'000, 1.0);
  machine.run_for(100.0);
  EXPECT_NEAR(machine.used("late"), 50.0, 1.0);
}

TEST(FairShare, ComingBackForgetsNothing) {
  FairShare share;
  share.join("waits");
  share.join("comes and goes");
  for (int i = 0; i < 5; ++i) {
    share.join("comes and goes");
    share.charge("comes and goes", 1.0);
    share.leave("comes and goes");
  }
  share.join("comes and goes");
  EXPECT_EQ(share.used("comes and goes"), 5.0);
  EXPECT_EQ(share.used("waits"), 0.0);
}

TEST(FairShare, WhereNobodyIsLeftAllBeginAnew) {
  FairShare share;
  share.join("a");
  share.charge("a", 7.0);
  share.leave("a");
  share.join("b");
  share.join("a");
  EXPECT_EQ(share.used("a"), share.used("b"));
}

TEST(FairShare, WhoIsNotThereIsNotCharged) {
  FairShare share;
  share.charge("nobody", 3.0);
  share.leave("nobody");
  EXPECT_EQ(share.used("nobody"), 0.0);
}

}  // namespace
}  // namespace tandem::coordinator

#include "coordinator/service/job_record.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

class Sink : public EventSink {
 public:
  void event(const std::string& json) override {
    const auto object = boost::json::parse(json).as_object();
    seqs.push_back(object.at("seq").to_number<std::uint64_t>());
    kinds.emplace_back(object.at("event").as_string());
  }
  void preview(const std::string&, const std::string& json, ipc::Fd) override {
    previews.push_back(json);
  }
  void forget_preview(const std::string&) override { kinds.emplace_back("forget preview"); }

  std::vector<std::string> previews;
  std::vector<std::uint64_t> seqs;
  std::vector<std::string> kinds;
};

PhaseEvent phase(Phase phase) {
  PhaseEvent event;
  event.phase = phase;
  return event;
}

class JobRecordTest : public ::testing::Test {
 protected:
  JobRecord record_{"job-1", AcceptedJob{}, JobOwner{}, 0};
  std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
};

TEST_F(JobRecordTest, EventsAreNumberedWithoutGaps) {
  record_.subscribe(sink_);
  record_.subscribe(sink_);
  record_.add_event(phase(Phase::kQueued));
  record_.add_event(StepEvent{1, 2, 0.5, 0.1, 0.1, {}});
  record_.end(Phase::kDone, {}, {});
  EXPECT_EQ(sink_->seqs, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(sink_->kinds, (std::vector<std::string>{"phase", "step", "phase"}));
}

TEST_F(JobRecordTest, ReplayGivesWhatCameAfter) {
  for (int i = 0; i < 4; ++i)
    record_.add_event(phase(Phase::kSampling));
  record_.replay(*sink_, 2);
  EXPECT_EQ(sink_->seqs, (std::vector<std::uint64_t>{3, 4}));
  record_.replay(*sink_, 99);
  EXPECT_EQ(sink_->seqs.size(), 2U);
}

TEST_F(JobRecordTest, NothingFollowsTheEnd) {
  record_.subscribe(sink_);
  record_.end(Phase::kFailed, Failure{ErrorCode::kInternal, "broken"}, {});
  record_.add_event(phase(Phase::kSampling));
  record_.end(Phase::kDone, {}, {});
  EXPECT_EQ(sink_->seqs.size(), 1U);
  EXPECT_EQ(record_.state(), Phase::kFailed);
  EXPECT_EQ(record_.status().failure->message, "broken");
}

TEST_F(JobRecordTest, TheLastEventComesBeforeWhoeverWaits) {
  record_.subscribe(sink_);
  std::size_t events_before = 0;
  record_.when_ended([&] { events_before = sink_->seqs.size(); });
  record_.end(Phase::kDone, {}, {});
  EXPECT_EQ(events_before, 1U);
  bool called = false;
  record_.when_ended([&] { called = true; });
  EXPECT_TRUE(called) << "at once, since it has ended";
}

TEST_F(JobRecordTest, PreviewsGoToTheirViewerAloneAndAreNotReplayed) {
  const auto viewer = std::make_shared<Sink>();
  record_.subscribe(sink_);
  EXPECT_FALSE(record_.has_viewer());
  record_.show_previews_to(viewer);
  EXPECT_TRUE(record_.has_viewer());
  record_.add_preview(3, {});
  EXPECT_EQ(viewer->previews,
            std::vector<std::string>{R"({"event":"preview","job":"job-1","step":3,"tensors":0})"});
  record_.replay(*sink_, 0);
  EXPECT_TRUE(sink_->previews.empty());
  EXPECT_TRUE(sink_->seqs.empty());
}

TEST_F(JobRecordTest, NoPreviewFollowsTheEnd) {
  record_.show_previews_to(sink_);
  record_.subscribe(sink_);
  record_.end(Phase::kDone, {}, {});
  record_.add_preview(1, {});
  EXPECT_TRUE(sink_->previews.empty());
  EXPECT_EQ(sink_->kinds, (std::vector<std::string>{"forget preview", "phase"}));
}

TEST_F(JobRecordTest, AWatcherThatWentAwayIsForgotten) {
  record_.subscribe(sink_);
  sink_.reset();
  record_.add_event(phase(Phase::kQueued));
  EXPECT_EQ(record_.state(), Phase::kQueued);
}

}  // namespace
}  // namespace tandem::coordinator

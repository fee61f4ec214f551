// Units whose result is not finite go on with the model in float32, where the job asks for it.
#include <gtest/gtest.h>

#include "coordinator/dispatch/dispatcher.hpp"

namespace tandem::coordinator {
namespace {

constexpr JobId kJob{1};
constexpr ModelId kModel{7};
constexpr ModelId kTwin{8};
constexpr UnitId kUnit{1};
const WorkerId kWorker{1};

// One worker that does as it is told, but for the units.
class Fp32Test : public ::testing::Test {
 protected:
  void open(std::optional<Fp32Twin> fp32) {
    JobLimits limits{PartDevices::all_on("cpu"), {}, {}, {}};
    limits.fp32 = fp32;
    dispatcher_.worker_ready(kWorker, now_);
    dispatcher_.open_job(kJob, std::move(limits));
    dispatcher_.submit({{kUnit, kJob, kModel, ModelPart::kUnet, "shape"}}, now_);
    pump();
  }

  void fail(ErrorCode code) {
    const StartUnit unit = started_.back();
    dispatcher_.unit_failed(kWorker, unit.unit, unit.generation, {code, "no"}, now_);
    pump();
  }

  void pump() {
    for (auto commands = dispatcher_.take_commands(); !commands.empty();
         commands = dispatcher_.take_commands()) {
      for (const Command& command : commands) {
        if (const auto* load = std::get_if<LoadPart>(&command))
          dispatcher_.model_loaded(kWorker, load->model, load->part, now_);
        if (const auto* unit = std::get_if<StartUnit>(&command)) started_.push_back(*unit);
        if (const auto* failed = std::get_if<FailJob>(&command)) failure_ = failed->failure;
        const auto* notice = std::get_if<WorkerNotice>(&command);
        if (notice != nullptr && notice->what == WorkerNotice::What::kFp32) ++notices_;
      }
    }
  }

  TimePoint now_{std::chrono::seconds(1000)};
  Dispatcher dispatcher_{{{"cpu#0", "cpu", "cpu", "cpu"}}, RespawnPolicy{}, now_};
  std::vector<StartUnit> started_;
  std::optional<Failure> failure_;
  int notices_ = 0;
};

TEST_F(Fp32Test, ANonFiniteResultIsComputedWithTheTwinAndTold) {
  open(Fp32Twin{kModel, kTwin});
  EXPECT_EQ(started_.back().model, kModel);
  fail(ErrorCode::kNotFinite);
  ASSERT_EQ(started_.size(), 2U);
  EXPECT_EQ(started_.back().model, kTwin);
  EXPECT_EQ(notices_, 1);
  EXPECT_TRUE(dispatcher_.unit_done(kWorker, kUnit, started_.back().generation, now_));
  EXPECT_FALSE(failure_.has_value());
}

TEST_F(Fp32Test, OneThatIsNotFiniteThereEitherFailsTheJob) {
  open(Fp32Twin{kModel, kTwin});
  for (int i = 0; i < 3; ++i)
    fail(ErrorCode::kNotFinite);
  EXPECT_EQ(started_.size(), 3U) << "once as it is, twice in float32";
  EXPECT_EQ(notices_, 1);
  ASSERT_TRUE(failure_.has_value());
  EXPECT_EQ(failure_->code, ErrorCode::kNotFinite);
}

TEST_F(Fp32Test, OtherFailuresAndOtherJobsDoNotChangeTheType) {
  open(std::nullopt);
  fail(ErrorCode::kNotFinite);
  EXPECT_EQ(started_.back().model, kModel);
  fail(ErrorCode::kNotFinite);
  EXPECT_TRUE(failure_.has_value());
  EXPECT_EQ(notices_, 0);
}

TEST_F(Fp32Test, AnotherFailureStaysInTheType) {
  open(Fp32Twin{kModel, kTwin});
  fail(ErrorCode::kInternal);
  EXPECT_EQ(started_.back().model, kModel);
  fail(ErrorCode::kNotFinite);
  EXPECT_EQ(started_.back().model, kTwin);
  EXPECT_FALSE(failure_.has_value());
}

}  // namespace
}  // namespace tandem::coordinator

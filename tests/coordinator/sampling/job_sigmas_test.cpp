#include "coordinator/sampling/job_sigmas.hpp"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/sampling/schedulers/schedulers.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

const models::Prediction& prediction() {
  static const models::Prediction eps((SigmaParameters()));
  return eps;
}

job::Sampler sampler(int steps) {
  job::Sampler spec;
  spec.steps = steps;
  return spec;
}

Sigmas sigmas_of(const job::Sampler& spec) {
  return calculate_job_sigmas(spec, {}, prediction());
}

Sigmas tail(const Sigmas& sigmas, std::size_t count) {
  return {sigmas.end() - static_cast<std::ptrdiff_t>(count), sigmas.end()};
}

TEST(JobSigmas, PartialDenoiseTakesTheEndOfALongerSchedule) {
  job::Sampler spec = sampler(5);
  spec.denoise = 0.33;  // int(5 / 0.33) = 15
  EXPECT_EQ(sigmas_of(spec), tail(normal_schedule(prediction(), 15), 6));
  spec.denoise = 0.99995;
  EXPECT_EQ(sigmas_of(spec), normal_schedule(prediction(), 5));
  spec.denoise = 0.0;
  EXPECT_TRUE(sigmas_of(spec).empty());
}

TEST(JobSigmas, SecondOrderSamplersLoseTheSigmaBeforeTheLast) {
  for (const char* const name : {"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"}) {
    job::Sampler spec = sampler(5);
    spec.name = name;
    Sigmas expected = normal_schedule(prediction(), 6);
    expected.erase(expected.end() - 2);
    EXPECT_EQ(sigmas_of(spec), expected) << name;
  }
}

TEST(JobSigmas, EndStepEndsInZeroUnlessNoiseIsToBeLeftOver) {
  const Sigmas all = normal_schedule(prediction(), 6);
  job::Sampler spec = sampler(6);
  spec.end_step = 3;
  EXPECT_EQ(sigmas_of(spec), (Sigmas{all[0], all[1], all[2], 0.0F}));
  spec.return_with_leftover_noise = true;
  EXPECT_EQ(sigmas_of(spec), (Sigmas{all[0], all[1], all[2], all[3]}));
  spec.end_step = 6;
  EXPECT_EQ(sigmas_of(spec), all);
  spec.end_step = 10000;
  EXPECT_EQ(sigmas_of(spec), all);
}

TEST(JobSigmas, StartStepCutsAndPastTheEndLeavesNothing) {
  const Sigmas all = normal_schedule(prediction(), 6);
  job::Sampler spec = sampler(6);
  spec.start_step = 4;
  EXPECT_EQ(sigmas_of(spec), tail(all, 3));
  spec.start_step = 6;
  EXPECT_TRUE(sigmas_of(spec).empty());
  spec.start_step = 3;
  spec.end_step = 3;
  EXPECT_TRUE(sigmas_of(spec).empty());
  spec.start_step = 0;
  spec.end_step = 0;
  EXPECT_TRUE(sigmas_of(spec).empty());
}

TEST(JobSigmas, GivenSigmasReplaceTheSchedule) {
  const at::Tensor given = at::tensor({10.0F, 3.0F, 1.0F, 0.0F});
  job::Sampler spec = sampler(50);
  EXPECT_EQ(calculate_job_sigmas(spec, given, prediction()), (Sigmas{10, 3, 1, 0}));
  spec.end_step = 2;
  EXPECT_EQ(calculate_job_sigmas(spec, given, prediction()), (Sigmas{10, 3, 0}));
}

TEST(JobSigmas, GivenSigmasAreChecked) {
  const auto code_of = [](const at::Tensor& given) {
    try {
      calculate_job_sigmas({}, given, prediction());
    } catch (const Error& error) {
      EXPECT_EQ(error.failure().path, "sampler.sigmas");
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of(at::ones({2, 2})), ErrorCode::kBadShape);
  EXPECT_EQ(code_of(at::tensor({1.0F, -1.0F})), ErrorCode::kOutOfRange);
  EXPECT_EQ(code_of(at::tensor({std::numeric_limits<float>::quiet_NaN()})), ErrorCode::kOutOfRange);
}

TEST(JobSigmas, StepsAreLimitedBeforeAnythingIsAllocated) {
  job::Sampler none = sampler(0);
  EXPECT_THROW(sigmas_of(none), Error);
  job::Sampler tiny = sampler(20);
  tiny.denoise = 1e-12;
  EXPECT_THROW(sigmas_of(tiny), Error);
}

}  // namespace
}  // namespace tandem::coordinator

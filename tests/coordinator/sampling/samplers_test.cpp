#include "coordinator/sampling/samplers/samplers.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/coordinator/sampling/sampler_runs.hpp"

namespace tandem::coordinator {
namespace {

class KDiffusion : public testing::TestWithParam<SamplerNumbers> {};

TEST_P(KDiffusion, GivesTheSameNumbers) {
  const SamplerNumbers& row = GetParam();
  const SamplerRun done = run_sampler(row.sampler, row.sigmas, row.options);
  EXPECT_TRUE(at::allclose(done.result, row.expected, 1e-5, 2e-6)) << done.result << "\nexpected\n"
                                                                   << row.expected;
}

INSTANTIATE_TEST_SUITE_P(Samplers, KDiffusion, testing::ValuesIn(read_sampler_numbers()),
                         [](const auto& tested) { return tested.param.label; });

class EverySampler : public testing::TestWithParam<std::string> {};

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const SamplerRow& row : samplers())
    names.emplace_back(row.name);
  return names;
}

// These two choose their own steps.
bool has_own_steps(const std::string& name) {
  return name == "dpm_fast" || name == "dpm_adaptive";
}

TEST_P(EverySampler, CountsItsStepsToTheLast) {
  const std::vector<StepReport> reports = run_sampler(GetParam(), kToZero).reports;
  ASSERT_FALSE(reports.empty());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const bool is_last = i + 1 == reports.size();
    EXPECT_EQ(reports[i].step, static_cast<int>(i) + 1);
    EXPECT_EQ(reports[i].step == reports[i].total, is_last) << i;
    EXPECT_GE(reports[i].total, reports[i].step);
    EXPECT_EQ(reports[i].denoised.sizes(), at::IntArrayRef(kSampledShape));
  }
}

TEST_P(EverySampler, ReportsTheSigmasGiven) {
  if (has_own_steps(GetParam())) GTEST_SKIP() << "its steps are others";
  const std::vector<StepReport> reports = run_sampler(GetParam(), kToZero).reports;
  ASSERT_EQ(reports.size(), kToZero.size() - 1);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    EXPECT_EQ(reports[i].total, 5);
    EXPECT_EQ(reports[i].sigma, kToZero[i]);
  }
}

TEST_P(EverySampler, GivesTheSameBitsAgain) {
  EXPECT_TRUE(
      run_sampler(GetParam(), kToZero).result.equal(run_sampler(GetParam(), kToZero).result));
}

TEST_P(EverySampler, LeavesASingleSigmaAlone) {
  const SamplerRun done = run_sampler(GetParam(), {2.0F});
  EXPECT_TRUE(done.result.equal(done.start));
  EXPECT_TRUE(done.evaluated.empty());
}

TEST_P(EverySampler, TakesASingleStep) {
  const SamplerRun done = run_sampler(GetParam(), {2.0F, 0.0F});
  EXPECT_TRUE(at::isfinite(done.result).all().item<bool>());
}

TEST_P(EverySampler, HasANumberFromKDiffusion) {
  const std::vector<SamplerNumbers> rows = read_sampler_numbers();
  EXPECT_TRUE(std::any_of(rows.begin(), rows.end(),
                          [&](const SamplerNumbers& row) { return row.sampler == GetParam(); }))
      << "add a row of sampler_numbers.json for " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Samplers, EverySampler, testing::ValuesIn(all_names()),
                         [](const auto& tested) { return tested.param; });

TEST(Samplers, HeunEvaluatesTwiceExceptToZero) {
  EXPECT_EQ(run_sampler("heun", kToZero).evaluated,
            (std::vector<float>{14.6146F, 7.5F, 7.5F, 3.25F, 3.25F, 1.1F, 1.1F, 0.4F, 0.4F}));
}

TEST(Samplers, ChurnRaisesSigmaInsideItsRangeOnly) {
  const std::vector<float> seen =
      run_sampler("euler", kToZero, {{"s_churn", 1.0}, {"s_tmin", 1.0}, {"s_tmax", 10.0}})
          .evaluated;
  EXPECT_EQ(seen[0], 14.6146F);
  EXPECT_FLOAT_EQ(seen[1], 7.5F * 1.2F);
  EXPECT_FLOAT_EQ(seen[3], 1.1F * 1.2F);
  EXPECT_EQ(seen[4], 0.4F);
}

// 5 evaluations in steps of order 3 and 2.
TEST(Samplers, DpmFastEvaluatesAsOftenAsThereAreSteps) {
  const SamplerRun done = run_sampler("dpm_fast", kToZero);
  EXPECT_EQ(done.evaluated.size(), 5U);
  EXPECT_EQ(done.reports.size(), 2U);
}

TEST(Samplers, DpmAdaptiveEvaluatesItsOrderPerStep) {
  for (const std::int64_t order : {2, 3}) {
    const SamplerRun done = run_sampler("dpm_adaptive", kToZero, {{"order", order}});
    EXPECT_EQ(done.evaluated.size(), done.reports.size() * static_cast<std::size_t>(order));
  }
}

TEST(Samplers, DpmAdaptiveGivesUpOnAToleranceThatCannotBeMet) {
  const GivenOptions impossible = {{"rtol", 0.0}, {"atol", 0.0}};
  EXPECT_THROW(run_sampler("dpm_adaptive", kToZero, impossible), Error);
}

TEST(Samplers, DpmSolverTakesNoAscendingSigmas) {
  for (const char* const name : {"dpm_fast", "dpm_adaptive"}) {
    EXPECT_THROW(run_sampler(name, {0.4F, 1.1F}), Error) << name;
    EXPECT_THROW(run_sampler(name, {0.0F, 0.0F}), Error) << name;
  }
}

TEST(Samplers, UniPcEndsAboveZero) {
  const SamplerRow& row = find_sampler("uni_pc");
  EXPECT_EQ(final_sigmas(row, {2.0F, 0.0F}), (Sigmas{2.0F, 0.001F}));
  EXPECT_EQ(final_sigmas(row, {2.0F, 1.0F}), (Sigmas{2.0F, 1.0F}));
  EXPECT_EQ(final_sigmas(find_sampler("euler"), {2.0F, 0.0F}), (Sigmas{2.0F, 0.0F}));
}

TEST(Samplers, CfgPlusPlusIsInTheName) {
  for (const SamplerRow& row : samplers()) {
    EXPECT_EQ(row.traits.uses_uncond, row.name.ends_with("cfg_pp")) << row.name;
  }
}

}  // namespace
}  // namespace tandem::coordinator

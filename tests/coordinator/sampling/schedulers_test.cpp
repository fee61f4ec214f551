#include "coordinator/sampling/schedulers/schedulers.hpp"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/sampling/job_sigmas.hpp"
#include "coordinator/sampling/model_sampling.hpp"
#include "protocol/error.hpp"
#include "tests/coordinator/sampling/golden_cases.hpp"

namespace tandem::coordinator {
namespace {

class GoldenSchedule : public testing::TestWithParam<std::string> {};

TEST_P(GoldenSchedule, IsComfyUIs) {
  if (GetParam().empty()) GTEST_SKIP() << "no golden tree at " << golden_places();
  const GoldenCase golden = read_golden_case("schedulers", GetParam());
  const models::Prediction prediction(apply_sampling(golden.model.sigmas, golden.job.sampling));
  const Sigmas sigmas = calculate_job_sigmas(*golden.job.sampler, {}, prediction);
  const Sigmas expected = to_sigmas(golden.expected.at("sigmas"), "sigmas");
  ASSERT_EQ(sigmas.size(), expected.size());
  for (std::size_t i = 0; i < sigmas.size(); ++i) {
    const double difference = std::abs(static_cast<double>(sigmas[i]) - expected[i]);
    EXPECT_LE(difference, 1e-5 * expected[i]) << "sigma " << i << ": " << sigmas[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Schedulers, GoldenSchedule, testing::ValuesIn(golden_names("schedulers")),
                         [](const auto& tested) { return test_name(tested.param); });

// Every row of the table, whatever cases there are.
class EveryScheduler : public testing::TestWithParam<SchedulerRow> {};

TEST_P(EveryScheduler, DescendsFromTheLargestSigmaToZero) {
  const models::Prediction prediction((SigmaParameters()));
  const Sigmas sigmas = GetParam().schedule(prediction, 12);
  ASSERT_GE(sigmas.size(), 2U);
  EXPECT_EQ(sigmas.back(), 0.0F);
  EXPECT_LE(sigmas.front(), prediction.sigma_max() * 1.00001F);
  EXPECT_GT(sigmas.front(), prediction.sigma_max() / 2);
  for (std::size_t i = 1; i < sigmas.size(); ++i)
    EXPECT_LT(sigmas[i], sigmas[i - 1]);
}

INSTANTIATE_TEST_SUITE_P(Schedulers, EveryScheduler,
                         testing::ValuesIn(schedulers().begin(), schedulers().end()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(Schedulers, UnknownNameIsRefusedWithTheList) {
  try {
    find_scheduler("quadratic");
    FAIL() << "found a scheduler that does not exist";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
    EXPECT_EQ(error.failure().path, "sampler.scheduler");
    EXPECT_NE(error.failure().hint.find("kl_optimal"), std::string::npos);
  }
}

TEST(Schedulers, KlOptimalRefusesOneStep) {
  const models::Prediction prediction((SigmaParameters()));
  EXPECT_THROW(kl_optimal_schedule(prediction, 1), Error);
}

}  // namespace
}  // namespace tandem::coordinator

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/sampling/noise/job_noise.hpp"
#include "protocol/error.hpp"
#include "tests/coordinator/sampling/golden_cases.hpp"

namespace tandem::coordinator {
namespace {

class GoldenNoise : public testing::TestWithParam<std::string> {};

TEST_P(GoldenNoise, IsComfyUIs) {
  if (GetParam().empty()) GTEST_SKIP() << "no golden tree at " << golden_places();
  const GoldenCase golden = read_golden_case("noise", GetParam());
  const auto& latent = std::get<job::TensorLatent>(golden.job.latent.value());
  const at::Tensor noise =
      make_job_noise(golden.job.noise, {}, true, golden.tensors.at(latent.tensor).sizes()).starting;
  const at::Tensor expected = golden.expected.at("noise");
  ASSERT_EQ(noise.sizes(), expected.sizes());
  const double difference = (noise - expected).abs().max().item<double>();
  EXPECT_LE(difference, 1e-5 * expected.std().item<double>());
}

INSTANTIATE_TEST_SUITE_P(Noise, GoldenNoise, testing::ValuesIn(golden_names("noise")),
                         [](const auto& tested) { return test_name(tested.param); });

constexpr std::int64_t kShape[] = {2, 4, 3, 5};

job::Noise seeded(std::uint64_t seed) {
  job::Noise noise;
  noise.seed = seed;
  return noise;
}

ErrorCode code_of(const job::Noise& noise, const std::optional<at::Tensor>& given) {
  try {
    make_job_noise(noise, given, true, kShape);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(JobNoise, GivenNoiseAndNoNoise) {
  const at::Tensor given = at::ones(kShape);
  EXPECT_TRUE(make_job_noise(seeded(1), given, true, kShape).starting.equal(given));
  EXPECT_TRUE(make_job_noise(seeded(1), given, false, kShape).starting.equal(at::zeros(kShape)));
  EXPECT_EQ(code_of(seeded(1), at::ones({2, 4, 3, 4})), ErrorCode::kBadShape);
}

TEST(JobNoise, TheRestGoesOnWhereTheStartEnded) {
  NoiseGenerator reference(7);
  JobNoise noise = make_job_noise(seeded(7), {}, true, kShape);
  EXPECT_TRUE(reference.draw(kShape).equal(noise.starting));
  EXPECT_TRUE(reference.draw(kShape).equal(noise.rest.draw(kShape)));
}

TEST(JobNoise, BatchIndexIsChecked) {
  job::Noise noise = seeded(1);
  noise.batch_index = {0, 1, 2};
  EXPECT_EQ(code_of(noise, {}), ErrorCode::kBadShape);
  noise.batch_index = {0, -1};
  EXPECT_EQ(code_of(noise, {}), ErrorCode::kOutOfRange);
  noise.batch_index = {0, 1 << 30};
  EXPECT_EQ(code_of(noise, {}), ErrorCode::kOutOfRange);
}

TEST(SamplerNoise, IsSeededWithSeedPlusOneOrAsGiven) {
  EXPECT_TRUE(make_sampler_noise(seeded(41), NoiseSource::kCpu)
                  .draw(kShape)
                  .equal(NoiseGenerator(42).draw(kShape)));
  job::Noise noise = seeded(41);
  noise.sampler_seed = 5;
  EXPECT_TRUE(make_sampler_noise(noise, NoiseSource::kCpu)
                  .draw(kShape)
                  .equal(NoiseGenerator(5).draw(kShape)));
}

}  // namespace
}  // namespace tandem::coordinator

#include "models/prediction/sigma_table.hpp"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

SigmaTable table_of(Parameterization parameterization) {
  SigmaParameters parameters;
  parameters.parameterization = parameterization;
  return make_sigma_table(parameters);
}

void expect_ascending(const at::Tensor& sigmas) {
  EXPECT_EQ(sigmas.scalar_type(), at::kFloat);
  EXPECT_TRUE((sigmas.slice(0, 1) > sigmas.slice(0, 0, -1)).all().item<bool>());
}

// Stable Diffusion's ends, as ComfyUI has them.
TEST(SigmaTable, DiscreteEndsAreStableDiffusions) {
  const SigmaTable table = table_of(Parameterization::kEps);
  ASSERT_EQ(table.sigmas.size(0), 1000);
  expect_ascending(table.sigmas);
  EXPECT_FLOAT_EQ(table.sigmas[0].item<float>(), 0.0291671585F);
  EXPECT_FLOAT_EQ(table.sigmas[-1].item<float>(), 14.6146412F);
  EXPECT_TRUE(at::allclose(table.log_sigmas, table.sigmas.log(), 1e-6, 1e-6));
}

// Betas that rise evenly begin with the same one and end with more noise.
TEST(SigmaTable, BetasMayRiseEvenly) {
  SigmaParameters parameters;
  parameters.betas = Betas::kLinear;
  const SigmaTable table = make_sigma_table(parameters);
  expect_ascending(table.sigmas);
  EXPECT_FLOAT_EQ(table.sigmas[0].item<float>(), 0.0291671585F);
  double alphas = 1.0;
  for (int i = 0; i < 1000; ++i)
    alphas *= 1.0 - (0.00085 + (0.012 - 0.00085) * i / 999);
  EXPECT_NEAR(table.sigmas[-1].item<double>() / std::sqrt((1 - alphas) / alphas), 1.0, 1e-6);
}

TEST(SigmaTable, ZeroSnrEndsInAlmostPureNoise) {
  SigmaParameters parameters;
  parameters.zsnr = true;
  const SigmaTable table = make_sigma_table(parameters);
  expect_ascending(table.sigmas);
  // sqrt((1 - a) / a) of the last alpha, 4.8973451890853435e-08.
  EXPECT_FLOAT_EQ(table.sigmas[-1].item<float>(), 4518.76367F);
  EXPECT_FLOAT_EQ(table.sigmas[0].item<float>(), 0.0291671585F);
}

TEST(SigmaTable, DistilledKeepsEveryTwentieth) {
  const SigmaTable all = table_of(Parameterization::kEps);
  const SigmaTable distilled = table_of(Parameterization::kLcm);
  ASSERT_EQ(distilled.sigmas.size(0), 50);
  EXPECT_EQ(distilled.skip, 20);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(distilled.sigmas[i].item<float>(), all.sigmas[20 * i + 19].item<float>());
  }
}

TEST(SigmaTable, FlowIsShiftedTime) {
  SigmaParameters parameters;
  parameters.parameterization = Parameterization::kFlow;
  parameters.shift = 3.0;
  const SigmaTable table = make_sigma_table(parameters);
  expect_ascending(table.sigmas);
  EXPECT_FLOAT_EQ(table.sigmas[499].item<float>(), 0.75F);  // 3 * 0.5 / (1 + 2 * 0.5)
  EXPECT_FLOAT_EQ(table.sigmas[999].item<float>(), 1.0F);
}

TEST(SigmaTable, RefusesParametersThatMakeNoSchedule) {
  const auto code_of = [](SigmaParameters parameters) {
    try {
      make_sigma_table(parameters);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  SigmaParameters few;
  few.timesteps = 10;
  EXPECT_EQ(code_of(few), ErrorCode::kOutOfRange);
  SigmaParameters many;
  many.timesteps = 2'000'000'000;
  EXPECT_EQ(code_of(many), ErrorCode::kOutOfRange);
  SigmaParameters betas;
  betas.linear_end = 1.5;
  EXPECT_EQ(code_of(betas), ErrorCode::kOutOfRange);
  SigmaParameters shift;
  shift.parameterization = Parameterization::kFlow;
  shift.shift = 0.0;
  EXPECT_EQ(code_of(shift), ErrorCode::kOutOfRange);
}

}  // namespace
}  // namespace tandem::models

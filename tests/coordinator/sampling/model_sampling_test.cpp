#include "coordinator/sampling/model_sampling.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

TEST(ModelSampling, NothingAskedChangesNothing) {
  SigmaParameters model;
  model.parameterization = Parameterization::kVPrediction;
  model.zsnr = true;
  EXPECT_EQ(apply_sampling(model, {}), model);
}

TEST(ModelSampling, AJobMayMakeItAFlow) {
  job::Sampling sampling;
  sampling.parameterization = Parameterization::kFlow;
  sampling.kind = job::FlowKind::kFlow;
  sampling.shift = 3.0;
  sampling.multiplier = 1.0;
  const SigmaParameters parameters = apply_sampling({}, sampling);
  EXPECT_EQ(parameters.parameterization, Parameterization::kFlow);
  EXPECT_EQ(parameters.shift, 3.0);
  EXPECT_EQ(parameters.multiplier, 1.0);
}

TEST(ModelSampling, SettingsOfAnotherParameterizationAreRefused) {
  const auto path_of = [](const job::Sampling& sampling) {
    try {
      apply_sampling({}, sampling);
    } catch (const Error& error) {
      return error.failure().path;
    }
    return std::string();
  };
  job::Sampling shift;
  shift.shift = 3.0;
  EXPECT_EQ(path_of(shift), "sampling.shift");
  job::Sampling multiplier;
  multiplier.multiplier = 1.0;
  EXPECT_EQ(path_of(multiplier), "sampling.multiplier");
  job::Sampling kind;
  kind.kind = job::FlowKind::kFlow;
  EXPECT_EQ(path_of(kind), "sampling.kind");
  job::Sampling zsnr;
  zsnr.parameterization = Parameterization::kFlow;
  zsnr.zsnr = true;
  EXPECT_EQ(path_of(zsnr), "sampling.zsnr");
}

job::Motion motion_of(const std::string& file, const std::string& schedule) {
  job::Motion motion;
  motion.file = file;
  motion.beta_schedule = schedule;
  return motion;
}

TEST(ModelSampling, MotionModulesBringTheirBetas) {
  const auto betas_with = [](const job::Motion& motion) {
    return apply_sampling({}, {}, motion).betas;
  };
  EXPECT_EQ(betas_with(motion_of("m", "autoselect")), Betas::kLinear);
  EXPECT_EQ(betas_with(motion_of("", "autoselect")), Betas::kScaledLinear);
  EXPECT_EQ(betas_with(motion_of("m", "use existing")), Betas::kScaledLinear);
  EXPECT_EQ(betas_with(motion_of("", "sqrt_linear")), Betas::kLinear);
  EXPECT_EQ(betas_with(motion_of("m", "sqrt_linear (AnimateDiff)")), Betas::kLinear);
  EXPECT_EQ(betas_with(motion_of("m", "linear (HotshotXL/default)")), Betas::kScaledLinear);
  EXPECT_EQ(apply_sampling({}, {}, motion_of("m", "linear (AnimateDiff-SDXL)")).linear_end, 0.020);
}

TEST(ModelSampling, BetaSchedulesThatAreNotKnownAreRefused) {
  try {
    apply_sampling({}, {}, motion_of("m", "squaredcos_cap_v2"));
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.failure().path, "motion.beta_schedule");
    EXPECT_NE(error.failure().message.find("squaredcos_cap_v2"), std::string::npos);
  }
  job::Sampling flow;
  flow.parameterization = Parameterization::kFlow;
  EXPECT_THROW(apply_sampling({}, flow, motion_of("m", "autoselect")), Error);
  EXPECT_NO_THROW(apply_sampling({}, flow, motion_of("m", "use existing")));
}

}  // namespace
}  // namespace tandem::coordinator

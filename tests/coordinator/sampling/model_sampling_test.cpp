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

}  // namespace
}  // namespace tandem::coordinator

#include "coordinator/sampling/sample.hpp"

#include <cmath>
#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/sampling/job_sigmas.hpp"
#include "coordinator/sampling/noise/noise_generator.hpp"
#include "models/tensor/latent_region.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kShape[] = {2, 4, 3, 2};
constexpr double kScale = 0.18215;

// A model in closed form: predicts a share of x and the mean of its cond.
class FakeRunner : public UnitRunner {
 public:
  std::size_t add_cond(CondTensors cond) override {
    conds.push_back(std::move(cond));
    return conds.size() - 1;
  }

  std::vector<at::Tensor> denoise(const std::vector<DenoiseCall>& calls) override {
    units += calls.size();
    std::vector<at::Tensor> results;
    for (const DenoiseCall& call : calls) {
      group_sizes.insert(call.conds.size());
      std::vector<at::Tensor> pictures;
      for (const std::size_t cond : call.conds) {
        const at::Tensor seen = models::crop(call.x, call.region);
        pictures.push_back(seen / (2 + call.sigma) + conds[cond].context.mean());
      }
      results.push_back(at::stack(pictures));
    }
    return results;
  }

  std::vector<CondTensors> conds;
  std::size_t units = 0;
  std::set<std::size_t> group_sizes;
};

RequestedCond cond(float value, double strength = 1.0) {
  RequestedCond requested;
  requested.tensors.context = at::full({1, 5, 8}, value);
  requested.cond.strength = strength;
  return requested;
}

SampleRequest request() {
  SampleRequest r;
  r.model.context_width = 8;
  r.sampler.steps = 4;
  r.sampler.cfg = 3.0;
  r.noise.seed = 9;
  r.latent = at::zeros(kShape);
  r.positive = {cond(0.5F), cond(-0.25F, 0.5)};
  r.negative = {cond(0.125F)};
  return r;
}

at::Tensor run(const SampleRequest& r) {
  FakeRunner runner;
  return sample(r, runner);
}

// The whole way by hand: noise, scaling, Euler steps over cfg, out of the sampler's space.
TEST(Sample, IsNoiseThroughTheSamplerToTheUsersSpace) {
  const SampleRequest r = request();
  const models::Prediction prediction(r.model.sigmas);
  const Sigmas sigmas = calculate_job_sigmas(r.sampler, {}, prediction);
  at::Tensor x = NoiseGenerator(9).draw(kShape) * std::sqrt(1 + sigmas[0] * sigmas[0]);
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor share = x / (2 + sigmas[i]);
    const at::Tensor positive = share + (0.5 - 0.5 * 0.25) / 1.5;
    const at::Tensor negative = share + 0.125;
    const at::Tensor denoised = negative + (positive - negative) * 3.0;
    x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i]);
  }
  EXPECT_TRUE(at::allclose(run(r), x / kScale, 1e-4, 1e-4));
}

TEST(Sample, TheLatentCountsWithItsScale) {
  SampleRequest r = request();
  r.latent = at::ones(kShape);
  r.sigmas = at::tensor({2.0F});  // no step: the noised latent comes back
  const at::Tensor expected = (at::full(kShape, kScale) + NoiseGenerator(9).draw(kShape) * 2.0F);
  EXPECT_TRUE(at::allclose(run(r), expected / kScale, 1e-5, 1e-5));
  r.sampler.add_noise = false;
  EXPECT_TRUE(at::allclose(run(r), r.latent));
}

TEST(Sample, NothingToSampleLeavesTheLatentUntouched) {
  SampleRequest r = request();
  r.latent = at::linspace(-1, 1, 48, at::kFloat).reshape(kShape);
  r.sampler.denoise = 0.0;
  EXPECT_TRUE(run(r).equal(r.latent));
  r.sampler.denoise = 1.0;
  r.sampler.start_step = 4;
  EXPECT_TRUE(run(r).equal(r.latent));
}

TEST(Sample, FlowUndoesItsMixture) {
  SampleRequest r = request();
  r.sampling.parameterization = Parameterization::kFlow;
  r.latent = at::ones(kShape);
  r.sampler.add_noise = false;
  r.sigmas = at::tensor({0.5F});
  EXPECT_TRUE(at::allclose(run(r), r.latent));
}

TEST(Sample, GroupingChangesUnitsNotResults) {
  SampleRequest r = request();
  FakeRunner shared;
  const at::Tensor together = sample(r, shared);
  EXPECT_EQ(shared.units, 4U);
  EXPECT_EQ(shared.group_sizes, std::set<std::size_t>{3});
  r.workers = 3;
  FakeRunner spread;
  EXPECT_TRUE(sample(r, spread).equal(together));
  EXPECT_EQ(spread.units, 12U);
  r.workers = 1;
  r.batching = job::Batching::kExact;
  FakeRunner exact;
  EXPECT_TRUE(sample(r, exact).equal(together));
  EXPECT_EQ(exact.units, 12U);
}

// This model predicts each cell by itself, so that windows change nothing but units.
TEST(Sample, WindowsTimesCondsAreUnits) {
  SampleRequest r = request();
  r.batching = job::Batching::kExact;
  const at::Tensor whole = run(r);
  r.context.emplace();
  r.context->length = 1;
  r.context->overlap = 0;
  r.context->dim = 0;
  FakeRunner runner;
  EXPECT_TRUE(at::allclose(sample(r, runner), whole, 1e-5, 1e-5));
  EXPECT_EQ(runner.units, 4U * 2U * 3U);  // steps, windows, conds
}

TEST(Sample, ConstantsOfAnInpaintingModelAreMadeForEachCond) {
  SampleRequest r = request();
  r.model.unet_in_channels = 9;
  r.noise_mask = at::ones({3, 2});
  FakeRunner runner;
  sample(r, runner);
  for (const CondTensors& sent : runner.conds) {
    EXPECT_EQ(sent.concat.sizes().vec(), (std::vector<std::int64_t>{2, 5, 3, 2}));
  }
}

TEST(Sample, CfgOfOneNeverSendsTheNegative) {
  SampleRequest r = request();
  r.sampler.cfg = 1.0;
  FakeRunner runner;
  sample(r, runner);
  EXPECT_EQ(runner.conds.size(), 2U);
}

TEST(Sample, AnAncestralSamplerDrawsWithItsOwnSeed) {
  SampleRequest r = request();
  r.sampler.name = "euler_ancestral";
  const at::Tensor usual = run(r);
  EXPECT_TRUE(run(r).equal(usual));
  r.noise.sampler_seed = 10;  // the default: seed + 1
  EXPECT_TRUE(run(r).equal(usual));
  r.noise.sampler_seed = 9;
  EXPECT_FALSE(run(r).equal(usual));
}

TEST(Sample, ReportsProgressAndStopsWhenToldTo) {
  FakeRunner runner;
  std::vector<int> steps;
  sample(request(), runner, [&](const StepReport& report) { steps.push_back(report.step); });
  EXPECT_EQ(steps, (std::vector<int>{1, 2, 3, 4}));
  const OnStep cancel = [](const StepReport& report) {
    if (report.step == 2) throw Error(ErrorCode::kCancelled, "The job was cancelled.");
  };
  FakeRunner cancelled;
  EXPECT_THROW(sample(request(), cancelled, cancel), Error);
  EXPECT_EQ(cancelled.units, 2U);
}

// Where nothing may change, the latent comes back however it was noised.
TEST(Sample, AMaskOfZerosKeepsTheLatent) {
  for (const char* const name : {"euler", "ddim", "dpmpp_2m", "dpmpp_2m_sde"}) {
    SampleRequest r = request();
    r.sampler.name = name;
    r.latent = at::linspace(-1, 1, 48, at::kFloat).reshape(kShape);
    r.noise_mask = at::zeros({3, 2});
    EXPECT_TRUE(at::allclose(run(r), r.latent, 1e-3, 1e-2)) << name;
  }
}

TEST(Sample, AMaskOfOnesChangesNothing) {
  SampleRequest r = request();
  r.latent = at::linspace(-1, 1, 48, at::kFloat).reshape(kShape);
  const at::Tensor usual = run(r);
  r.noise_mask = at::ones({1, 1, 6, 4});
  EXPECT_TRUE(run(r).equal(usual));
}

// Both are Euler's method, but the kept half of ddim has other noise, which a soft mask lets in.
TEST(Sample, DdimRenoisesWhatAMaskKeeps) {
  SampleRequest r = request();
  r.latent = at::ones(kShape);
  r.noise_mask = at::full({3, 2}, 0.5F);
  const at::Tensor euler = run(r);
  r.sampler.name = "ddim";
  EXPECT_FALSE(run(r).equal(euler));
  r.noise_mask.reset();
  const at::Tensor ddim = run(r);
  r.sampler.name = "euler";
  EXPECT_TRUE(run(r).equal(ddim));
}

TEST(Sample, CfgPlusPlusSendsTheNegativeAtCfgOne) {
  SampleRequest r = request();
  r.sampler.cfg = 1.0;
  r.sampler.name = "euler_cfg_pp";
  FakeRunner runner;
  sample(r, runner);
  EXPECT_EQ(runner.conds.size(), 3U);
}

TEST(Sample, TheMiddleListIsEvaluated) {
  SampleRequest r = request();
  r.middle = {cond(0.25F)};
  r.guider.kind = job::GuiderKind::kDualCfg;
  r.guider.cfg_middle = 2.0;
  FakeRunner runner;
  sample(r, runner);
  EXPECT_EQ(runner.conds.size(), 4U);
}

TEST(Sample, ABrownianPathHasTheJobsSeed) {
  SampleRequest r = request();
  r.sampler.name = "dpmpp_2m_sde";
  const at::Tensor usual = run(r);
  r.noise.sampler_seed = 9;  // the default: the seed itself
  EXPECT_TRUE(run(r).equal(usual));
  r.noise.sampler_seed = 10;
  EXPECT_FALSE(run(r).equal(usual));
}

}  // namespace
}  // namespace tandem::coordinator

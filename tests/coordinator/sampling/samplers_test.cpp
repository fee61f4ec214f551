#include "coordinator/sampling/samplers/samplers.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

// A denoiser in closed form, no solution of which is linear in x.
class ClosedForm : public Denoiser {
 public:
  at::Tensor operator()(const at::Tensor& x, float sigma) override {
    seen.push_back(sigma);
    return 0.7 * x / (1 + sigma * sigma) + 0.1 * x.sin() + 0.05;
  }

  std::vector<float> seen;
};

const Sigmas kToZero = {14.6146F, 7.5F, 3.25F, 1.1F, 0.4F, 0.0F};
const Sigmas kLeftOver = {14.6146F, 7.5F, 3.25F, 1.1F, 0.4F};
const Sigmas kFlow = {1.0F, 0.9F, 0.72F, 0.5F, 0.2F, 0.0F};

constexpr std::int64_t kShape[] = {1, 2, 2, 3};

struct SamplerCase {
  std::string label;
  std::string sampler;
  Sigmas sigmas;
  std::map<std::string, job::OptionValue> options;
  std::vector<float> expected;
};

struct SamplerRun {
  at::Tensor result;
  std::vector<float> evaluated;
  std::vector<StepReport> reports;
};

// From noise of seed 11, with the global generator at 5 and the sampler's own at 42.
SamplerRun run(const std::string& name, const Sigmas& sigmas,
               const std::map<std::string, job::OptionValue>& given = {}) {
  SigmaParameters parameters;
  if (sigmas == kFlow) parameters.parameterization = Parameterization::kFlow;
  const models::Prediction prediction(parameters);
  const SamplerRow& row = find_sampler(name);
  const SamplerOptions options(row.name, row.options, given);
  NoiseGenerator own(42);
  NoiseGenerator global(5);
  SamplerRun done;
  const OnStep on_step = [&](const StepReport& report) { done.reports.push_back(report); };
  SamplerContext context = {prediction, options, sigmas, own, global, on_step};
  ClosedForm denoise;
  const at::Tensor start = NoiseGenerator(11).draw(kShape) * sigmas.front();
  done.result = row.sample(denoise, start, sigmas, context);
  done.evaluated = denoise.seen;
  return done;
}

// Numbers that k-diffusion's own functions gave for the same denoiser, noise and sigmas.
const std::vector<SamplerCase> kCases = {
    {"euler",
     "euler",
     kToZero,
     {},
     {0.500503838F, 1.05104589F, -0.30029875F, -0.56509012F, -0.21430479F, -0.0844521075F,
      0.259509385F, 0.384213299F, 0.367179811F, -0.430069417F, 0.826423824F, -0.108203374F}},
    {"ddim",
     "ddim",
     kToZero,
     {},
     {0.500503838F, 1.05104589F, -0.30029875F, -0.56509012F, -0.21430479F, -0.0844521075F,
      0.259509385F, 0.384213299F, 0.367179811F, -0.430069417F, 0.826423824F, -0.108203374F}},
    {"euler_leftover",
     "euler",
     kLeftOver,
     {},
     {0.646697402F, 1.49365461F, -0.500914454F, -0.89047116F, -0.376987815F, -0.19129844F,
      0.298459053F, 0.477659941F, 0.453073889F, -0.690053463F, 1.13632679F, -0.225166723F}},
    {"ddim_leftover",
     "ddim",
     kLeftOver,
     {},
     {0.646697402F, 1.49365461F, -0.500914454F, -0.89047116F, -0.376987815F, -0.19129844F,
      0.298459053F, 0.477659941F, 0.453073889F, -0.690053463F, 1.13632679F, -0.225166723F}},
    {"euler_s_churn_s_tmin_s_tmax_s_noise",
     "euler",
     kToZero,
     {{"s_churn", 2.0}, {"s_tmin", 0.5}, {"s_tmax", 10.0}, {"s_noise", 1.02}},
     {0.402552783F, -0.0264839679F, 0.0995010808F, 0.316629916F, -0.778884232F, 0.45927906F,
      0.00419668108F, -0.900830686F, 0.107183702F, -0.173779026F, 0.621251822F, 0.238218367F}},
    {"euler_flow",
     "euler",
     kFlow,
     {},
     {0.418692887F, 0.901061416F, -0.22281678F, -0.4787063F, -0.140491769F, -0.0313792676F,
      0.201281965F, 0.307421178F, 0.292553395F, -0.334279686F, 0.734050274F, -0.0511515588F}},
    {"ddim_flow",
     "ddim",
     kFlow,
     {},
     {0.418692887F, 0.901061416F, -0.22281678F, -0.4787063F, -0.140491769F, -0.0313792676F,
      0.201281965F, 0.307421178F, 0.292553395F, -0.334279686F, 0.734050274F, -0.0511515588F}},
    {"euler_ancestral",
     "euler_ancestral",
     kToZero,
     {},
     {0.443406194F, -0.122126803F, -0.00134324282F, 0.419887245F, 0.346539527F, 0.362398624F,
      -0.0295811556F, 0.282692403F, 0.86674571F, 0.447158068F, -0.273519099F, 0.039187938F}},
    {"euler_ancestral_eta_s_noise",
     "euler_ancestral",
     kToZero,
     {{"eta", 0.5}, {"s_noise", 1.1}},
     {0.725530684F, 0.472668618F, -0.280457109F, -0.0919201374F, -0.0012283884F, 0.24631843F,
      0.357174367F, 0.197895572F, 0.905839741F, 0.0908908248F, 0.378418356F, 0.190111876F}},
    {"euler_ancestral_leftover_eta",
     "euler_ancestral",
     kLeftOver,
     {{"eta", 0.0}},
     {0.646697402F, 1.49365461F, -0.500914454F, -0.89047116F, -0.376987815F, -0.19129844F,
      0.298459053F, 0.477659941F, 0.453073889F, -0.690053463F, 1.13632679F, -0.225166723F}},
    {"euler_ancestral_flow",
     "euler_ancestral",
     kFlow,
     {},
     {0.448272049F, -0.0667557865F, -0.0506954975F, 0.287530869F, 0.207461804F, 0.267767072F,
      0.128277555F, 0.120320514F, 0.702073216F, 0.31535849F, -0.0504072569F, 0.167362943F}},
    {"euler_ancestral_flow_eta_s_noise",
     "euler_ancestral",
     kFlow,
     {{"eta", 0.5}, {"s_noise", 0.9}},
     {0.513595164F, 0.123112559F, -0.113411203F, 0.144726962F, 0.0983882397F, 0.224090204F,
      0.267280161F, 0.0973884985F, 0.684973121F, 0.213892773F, 0.160637736F, 0.191960126F}},
    {"heun",
     "heun",
     kToZero,
     {},
     {0.638623834F, 1.29002368F, -0.391428947F, -0.755663335F, -0.265720129F, -0.0939399302F,
      0.308078885F, 0.473098367F, 0.450661391F, -0.556638837F, 1.06847823F, -0.126100659F}},
    {"heun_leftover",
     "heun",
     kLeftOver,
     {},
     {0.850843668F, 1.8979727F, -0.633423328F, -1.18176746F, -0.450968832F, -0.204823643F,
      0.368050098F, 0.60665673F, 0.573974609F, -0.877797604F, 1.52224493F, -0.250711381F}},
    {"heun_s_churn",
     "heun",
     kToZero,
     {{"s_churn", 2.0}},
     {-0.0476266444F, 0.391750485F, -0.036855951F, 0.62922585F, -1.18145144F, 0.0551005378F,
      0.0304210205F, -1.20977759F, -0.0177159905F, 0.199367672F, 0.604564488F, 0.259947121F}},
    {"heun_flow",
     "heun",
     kFlow,
     {},
     {0.420908242F, 0.887080193F, -0.197286442F, -0.445417523F, -0.117740393F, -0.0124667808F,
      0.211624488F, 0.313783199F, 0.299472719F, -0.305187732F, 0.725192189F, -0.0315320939F}},
    {"dpmpp_2m",
     "dpmpp_2m",
     kToZero,
     {},
     {0.58539319F, 1.1623069F, -0.378767133F, -0.662015319F, -0.266899973F, -0.104931146F,
      0.283363968F, 0.440921485F, 0.420504034F, -0.490725458F, 0.942482531F, -0.137039214F}},
    {"dpmpp_2m_leftover",
     "dpmpp_2m",
     kLeftOver,
     {},
     {0.771665394F, 1.67849755F, -0.614927888F, -1.03723121F, -0.452670336F, -0.220498621F,
      0.332609892F, 0.559813738F, 0.530178487F, -0.779566944F, 1.3185029F, -0.2663351F}},
    {"dpmpp_2m_flow",
     "dpmpp_2m",
     kFlow,
     {},
     {0.434342057F, 0.93429631F, -0.223120824F, -0.487990618F, -0.138462558F, -0.0265396871F,
      0.211580157F, 0.320234358F, 0.305005938F, -0.338132888F, 0.759975791F, -0.0468021072F}},
};

class KDiffusion : public testing::TestWithParam<SamplerCase> {};

TEST_P(KDiffusion, GivesTheSameNumbers) {
  const SamplerCase& example = GetParam();
  const SamplerRun done = run(example.sampler, example.sigmas, example.options);
  const at::Tensor expected = at::tensor(example.expected).reshape(kShape);
  EXPECT_TRUE(at::allclose(done.result, expected, 1e-5, 2e-6)) << done.result << "\nexpected\n"
                                                               << expected;
}

INSTANTIATE_TEST_SUITE_P(Samplers, KDiffusion, testing::ValuesIn(kCases),
                         [](const auto& tested) { return tested.param.label; });

// Every sampler that can run.
class EverySampler : public testing::TestWithParam<std::string> {};

std::vector<std::string> runnable() {
  std::vector<std::string> names;
  for (const SamplerRow& row : samplers()) {
    if (row.sample != nullptr) names.emplace_back(row.name);
  }
  return names;
}

TEST_P(EverySampler, ReportsEachStepOnce) {
  const std::vector<StepReport> reports = run(GetParam(), kToZero).reports;
  ASSERT_EQ(reports.size(), kToZero.size() - 1);
  for (std::size_t i = 0; i < reports.size(); ++i) {
    EXPECT_EQ(reports[i].step, static_cast<int>(i) + 1);
    EXPECT_EQ(reports[i].total, 5);
    EXPECT_EQ(reports[i].sigma, kToZero[i]);
    EXPECT_EQ(reports[i].denoised.sizes(), at::IntArrayRef(kShape));
  }
}

TEST_P(EverySampler, GivesTheSameBitsAgain) {
  EXPECT_TRUE(run(GetParam(), kToZero).result.equal(run(GetParam(), kToZero).result));
}

TEST_P(EverySampler, LeavesASingleSigmaAlone) {
  const SamplerRun done = run(GetParam(), {2.0F});
  EXPECT_TRUE(done.result.equal(NoiseGenerator(11).draw(kShape) * 2.0F));
  EXPECT_TRUE(done.evaluated.empty());
}

TEST_P(EverySampler, HasANumberFromKDiffusion) {
  const bool found = std::any_of(kCases.begin(), kCases.end(), [&](const SamplerCase& example) {
    return example.sampler == GetParam();
  });
  EXPECT_TRUE(found) << "add a row of kCases for " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Samplers, EverySampler, testing::ValuesIn(runnable()),
                         [](const auto& tested) { return tested.param; });

TEST(Samplers, HeunEvaluatesTwiceExceptToZero) {
  EXPECT_EQ(run("heun", kToZero).evaluated,
            (std::vector<float>{14.6146F, 7.5F, 7.5F, 3.25F, 3.25F, 1.1F, 1.1F, 0.4F, 0.4F}));
}

TEST(Samplers, ChurnRaisesSigmaInsideItsRangeOnly) {
  const std::vector<float> seen =
      run("euler", kToZero, {{"s_churn", 1.0}, {"s_tmin", 1.0}, {"s_tmax", 10.0}}).evaluated;
  EXPECT_EQ(seen[0], 14.6146F);
  EXPECT_FLOAT_EQ(seen[1], 7.5F * 1.2F);
  EXPECT_FLOAT_EQ(seen[3], 1.1F * 1.2F);
  EXPECT_EQ(seen[4], 0.4F);
}

}  // namespace
}  // namespace tandem::coordinator

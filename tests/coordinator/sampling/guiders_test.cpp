#include "coordinator/sampling/guiders/guiders.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

using Lists = std::vector<ListId>;
constexpr ListId kPositive = ListId::kPositive;
constexpr ListId kNegative = ListId::kNegative;
constexpr ListId kMiddle = ListId::kMiddle;

// Predicts a constant picture per list, and remembers what it was asked for.
class ConstantEvaluator : public CondEvaluator {
 public:
  std::vector<at::Tensor> evaluate(std::span<const ListId> lists, const at::Tensor& x,
                                   float) override {
    asked.assign(lists.begin(), lists.end());
    std::vector<at::Tensor> predictions;
    for (const ListId list : lists)
      predictions.push_back(predict(list).expand_as(x));
    return predictions;
  }

  at::Tensor positive = at::scalar_tensor(3.0F);
  at::Tensor negative = at::scalar_tensor(1.0F);
  at::Tensor middle = at::scalar_tensor(2.0F);
  Lists asked;

 private:
  at::Tensor predict(ListId list) const {
    if (list == kPositive) return positive;
    return list == kNegative ? negative : middle;
  }
};

GuiderSettings settings(job::GuiderKind kind, double cfg) {
  GuiderSettings made;
  made.cfg = cfg;
  made.guider.kind = kind;
  return made;
}

float guide(const GuiderSettings& s, ConstantEvaluator& evaluator) {
  GuidedDenoiser denoise(find_guider(s.guider.kind), s, evaluator);
  return denoise(at::zeros({1}), 2.0F).item<float>();
}

Lists lists_of(const GuiderSettings& s) {
  return find_guider(s.guider.kind).lists(s);
}

TEST(Guiders, RowsAreInTheOrderOfTheirKinds) {
  for (const GuiderRow& row : guiders())
    EXPECT_EQ(&find_guider(row.kind), &row);
  EXPECT_EQ(guiders().size(), 4U);
}

TEST(Guiders, CfgGoesFromNegativePastPositive) {
  ConstantEvaluator evaluator;
  EXPECT_EQ(guide(settings(job::GuiderKind::kCfg, 7.0), evaluator), 15.0F);
  EXPECT_EQ(evaluator.asked, (Lists{kPositive, kNegative}));
  EXPECT_EQ(guide(settings(job::GuiderKind::kCfg, 0.0), evaluator), 1.0F);
}

TEST(Guiders, CfgOfOneSkipsTheNegative) {
  ConstantEvaluator evaluator;
  EXPECT_EQ(guide(settings(job::GuiderKind::kCfg, 1.0), evaluator), 3.0F);
  EXPECT_EQ(evaluator.asked, Lists{kPositive});
  EXPECT_EQ(lists_of(settings(job::GuiderKind::kCfg, 1.0 + 1e-10)).size(), 1U);
  EXPECT_EQ(lists_of(settings(job::GuiderKind::kCfg, 1.0 + 1e-8)).size(), 2U);
}

TEST(Guiders, CfgPlusPlusKeepsTheNegativeAndSeesIt) {
  ConstantEvaluator evaluator;
  GuiderSettings s = settings(job::GuiderKind::kCfg, 1.0);
  s.keeps_all_lists = true;
  GuidedDenoiser denoise(find_guider(s.guider.kind), s, evaluator);
  const GuidedPrediction guided = denoise.predict(at::zeros({1}), 2.0F);
  EXPECT_EQ(guided.denoised.item<float>(), 3.0F);
  EXPECT_EQ(guided.uncond.item<float>(), 1.0F);
}

TEST(Guiders, BasicIsThePositiveAlone) {
  ConstantEvaluator evaluator;
  EXPECT_EQ(guide(settings(job::GuiderKind::kBasic, 7.0), evaluator), 3.0F);
  EXPECT_EQ(evaluator.asked, Lists{kPositive});
}

TEST(Guiders, DualCfgLeadsOverTheMiddle) {
  ConstantEvaluator evaluator;
  GuiderSettings s = settings(job::GuiderKind::kDualCfg, 5.0);
  s.guider.cfg_middle = 2.5;
  EXPECT_EQ(guide(s, evaluator), 1.0F + 2.5F * (2 - 1) + 5.0F * (3 - 2));
  s.guider.nested = true;
  EXPECT_EQ(guide(s, evaluator), 1.0F + 2.5F * ((2 + 5.0F * (3 - 2)) - 1));
}

TEST(Guiders, DualCfgSkipsWhatCancels) {
  GuiderSettings s = settings(job::GuiderKind::kDualCfg, 5.0);
  s.guider.cfg_middle = 1.0;
  EXPECT_EQ(lists_of(s), (Lists{kPositive, kMiddle}));
  s.cfg = 1.0;
  EXPECT_EQ(lists_of(s), Lists{kPositive});
  s.guider.nested = true;
  EXPECT_EQ(lists_of(s).size(), 3U);
  ConstantEvaluator evaluator;
  EXPECT_EQ(guide(s, evaluator), 3.0F);
}

TEST(Guiders, PerpNegTakesWhatIsPerpendicularOfTheNegative) {
  ConstantEvaluator evaluator;
  evaluator.positive = at::tensor({2.0F, 0.0F});  // seen from the middle: (1, 0)
  evaluator.middle = at::tensor({1.0F, 0.0F});
  evaluator.negative = at::tensor({5.0F, 3.0F});  // (4, 3), of which (0, 3) is perpendicular
  GuiderSettings s = settings(job::GuiderKind::kPerpNeg, 2.0);
  s.guider.neg_scale = 0.5;
  GuidedDenoiser denoise(find_guider(s.guider.kind), s, evaluator);
  const GuidedPrediction guided = denoise.predict(at::zeros({2}), 2.0F);
  EXPECT_TRUE(guided.denoised.equal(at::tensor({1.0F + 2 * 1, 2 * -0.5F * 3})));
  EXPECT_TRUE(guided.uncond.equal(evaluator.negative));
}

TEST(Guiders, PerpNegSkipsWhatCancels) {
  GuiderSettings s = settings(job::GuiderKind::kPerpNeg, 2.0);
  EXPECT_EQ(lists_of(s).size(), 3U);
  s.guider.neg_scale = 0.0;
  EXPECT_EQ(lists_of(s), (Lists{kPositive, kMiddle}));
  s.cfg = 1.0;
  EXPECT_EQ(lists_of(s), Lists{kPositive});
}

// At rescale 1 the velocity has the deviation of the positive's own, item by item.
TEST(Guiders, RescaleGivesTheVelocityThePositivesDeviation) {
  const at::Tensor x = at::arange(16, at::kFloat).reshape({2, 1, 2, 4});
  ConstantEvaluator evaluator;
  evaluator.positive = x.sin();
  evaluator.negative = x.cos() * 0.5;
  GuiderSettings s = settings(job::GuiderKind::kCfg, 7.0);
  s.guider.rescale = 1.0;
  constexpr float kSigma = 2.0F;
  GuidedDenoiser denoise(find_guider(s.guider.kind), s, evaluator);
  const auto deviation = [&](const at::Tensor& denoised) {
    const at::Tensor v = x / (kSigma * kSigma + 1) - denoised;  // up to a factor
    return at::std(v, at::IntArrayRef{1, 2, 3}, true, false);
  };
  const at::Tensor guided = denoise(x, kSigma);
  EXPECT_TRUE(at::allclose(deviation(guided), deviation(evaluator.positive), 1e-5, 1e-6));
  s.guider.rescale = 0.0;
  GuidedDenoiser plain(find_guider(s.guider.kind), s, evaluator);
  EXPECT_FALSE(at::allclose(plain(x, kSigma), guided, 0.1, 0.1));
}

TEST(Guiders, WhatAGuiderDoesNotReadIsRefused) {
  const auto path_of = [](const job::Job& job) {
    try {
      validate_guider(job);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadRequest);
      return error.failure().path;
    }
    return std::string();
  };
  job::Job job;
  EXPECT_EQ(path_of(job), "");
  job.middle.resize(1);
  EXPECT_EQ(path_of(job), "middle");
  job.guider.kind = job::GuiderKind::kPerpNeg;
  EXPECT_EQ(path_of(job), "");
  job.guider.rescale = 0.5;
  EXPECT_EQ(path_of(job), "guider.rescale");
  job.guider.kind = job::GuiderKind::kDualCfg;
  EXPECT_EQ(path_of(job), "");
  job.middle.clear();
  EXPECT_EQ(path_of(job), "middle");
}

}  // namespace
}  // namespace tandem::coordinator

#include "coordinator/sampling/guiders/guiders.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

// Predicts 3 for the positive list and 1 for any other, and remembers what it was asked for.
class ConstantEvaluator : public CondEvaluator {
 public:
  std::vector<at::Tensor> evaluate(std::span<const ListId> lists, const at::Tensor& x,
                                   float) override {
    asked.assign(lists.begin(), lists.end());
    std::vector<at::Tensor> predictions;
    for (const ListId list : lists) {
      predictions.push_back(at::full_like(x, list == ListId::kPositive ? 3.0 : 1.0));
    }
    return predictions;
  }

  std::vector<ListId> asked;
};

float guide(job::GuiderKind kind, double cfg, ConstantEvaluator& evaluator) {
  GuidedDenoiser denoise(find_guider(kind), {cfg, {}}, evaluator);
  return denoise(at::zeros({1}), 2.0F).item<float>();
}

TEST(Guiders, RowsAreInTheOrderOfTheirKinds) {
  for (const GuiderRow& row : guiders())
    EXPECT_EQ(&find_guider(row.kind), &row);
  EXPECT_EQ(guiders().size(), 4U);
}

TEST(Guiders, CfgGoesFromNegativePastPositive) {
  ConstantEvaluator evaluator;
  EXPECT_EQ(guide(job::GuiderKind::kCfg, 7.0, evaluator), 15.0F);
  EXPECT_EQ(evaluator.asked, (std::vector{ListId::kPositive, ListId::kNegative}));
  EXPECT_EQ(guide(job::GuiderKind::kCfg, 0.0, evaluator), 1.0F);
}

TEST(Guiders, CfgOfOneSkipsTheNegative) {
  ConstantEvaluator evaluator;
  EXPECT_EQ(guide(job::GuiderKind::kCfg, 1.0, evaluator), 3.0F);
  EXPECT_EQ(evaluator.asked, (std::vector{ListId::kPositive}));
  guide(job::GuiderKind::kCfg, 1.0 + 1e-10, evaluator);
  EXPECT_EQ(evaluator.asked.size(), 1U);
  guide(job::GuiderKind::kCfg, 1.0 + 1e-8, evaluator);
  EXPECT_EQ(evaluator.asked.size(), 2U);
}

TEST(Guiders, BasicIsThePositiveAlone) {
  ConstantEvaluator evaluator;
  EXPECT_EQ(guide(job::GuiderKind::kBasic, 7.0, evaluator), 3.0F);
  EXPECT_EQ(evaluator.asked, (std::vector{ListId::kPositive}));
}

}  // namespace
}  // namespace tandem::coordinator

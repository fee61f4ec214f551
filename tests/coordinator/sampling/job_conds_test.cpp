#include "coordinator/conditioning/job_conds.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

RequestedCond cond(std::optional<job::Area> area = std::nullopt) {
  RequestedCond requested;
  requested.tensors.context = at::zeros({1, 5, 8});
  requested.cond.area = area;
  return requested;
}

std::vector<CondList> resolve(const SampleRequest& request) {
  const models::Prediction prediction(request.model.sigmas);
  return resolve_job_conds(request, prediction, at::zeros({1, 4, 16, 16}));
}

SampleRequest request() {
  SampleRequest r;
  r.model.context_width = 8;
  r.positive = {cond()};
  r.negative = {cond(job::Area{8, 8, 0, 0})};
  r.middle = {cond(job::Area{4, 4, 0, 0})};
  return r;
}

TEST(JobConds, ListsAreThoseThatTheGuiderTakes) {
  SampleRequest r = request();
  std::vector<CondList> lists = resolve(r);
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_EQ(lists[0].conds.size(), 2U);  // the negative's area; not that of the middle
  r.guider.kind = job::GuiderKind::kBasic;
  lists = resolve(r);
  ASSERT_EQ(lists.size(), 1U);
  EXPECT_EQ(lists[0].conds.size(), 1U);
  r.guider.kind = job::GuiderKind::kDualCfg;
  lists = resolve(r);
  ASSERT_EQ(lists.size(), 3U);
  EXPECT_EQ(lists[1].list, ListId::kMiddle);
  EXPECT_EQ(lists[0].conds.size(), 3U);
}

TEST(JobConds, OnlyInpaintingModelsGetChannels) {
  SampleRequest r = request();
  EXPECT_FALSE(resolve(r)[0].conds[0].tensors.concat.defined());
  r.model.unet_in_channels = 9;
  for (const CondList& list : resolve(r)) {
    for (const ResolvedCond& resolved : list.conds) {
      EXPECT_EQ(resolved.tensors.concat.sizes().vec(), (std::vector<std::int64_t>{1, 5, 16, 16}));
    }
  }
}

}  // namespace
}  // namespace tandem::coordinator

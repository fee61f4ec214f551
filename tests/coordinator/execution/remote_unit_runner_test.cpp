#include "coordinator/execution/remote_unit_runner.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "models/tensor/latent_region.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// Answers each denoise with x plus the number of its conds, from workers in turn.
class FakeUnits : public UnitExecutor {
 public:
  TensorArena& inputs() override { return arena_; }
  ConstantId add_constant(ConstantData data) override {
    constants.push_back(std::move(data));
    return ConstantId{constants.size()};
  }
  void drop_constants(std::vector<ConstantId> ids) override { dropped = std::move(ids); }
  std::vector<UnitOutcome> run(std::vector<UnitTask> given) override {
    std::vector<UnitOutcome> outcomes;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto& unit = std::get<Denoise>(given[i].unit);
      const at::Tensor x =
          read_result(unit.x, given[i].inputs.empty() ? nullptr : given[i].inputs[0].get());
      const at::Tensor seen = models::crop(x, unit.region);
      const at::Tensor one = (seen + static_cast<double>(unit.conds.size())).unsqueeze(0);
      SharedTensor result =
          share(arena_, one.expand({static_cast<std::int64_t>(unit.conds.size()), -1, -1, -1, -1}));
      outcomes.push_back(
          {DenoiseResult{result.handle}, result.block, i % 2 == 0 ? "w0" : "w1", 0.0});
    }
    tasks = std::move(given);
    return outcomes;
  }
  void check_cancelled() override {}

  std::vector<ConstantData> constants;
  std::vector<ConstantId> dropped;
  std::vector<UnitTask> tasks;

 private:
  TensorArena arena_;
};

class RemoteUnitRunnerTest : public ::testing::Test {
 protected:
  RemoteUnitRunnerTest() {
    job_.model = ModelId{3};
    job_.job.model.loras = {{"a", 0.5, 1.0}};
    job_.side_files = {{"a", {.path = "a", .inode = 1}}, {"b", {.path = "b", .inode = 2}}};
  }

  AcceptedJob job_;
  FakeUnits units_;
  RemoteUnitRunner runner_{units_, job_, SigmaParameters{}};
};

TEST_F(RemoteUnitRunnerTest, ADroppedCondIsForgottenAndItsOwnSigmasReachTheUnits) {
  runner_.add_cond({at::ones({1, 77, 8}), {}, {}});
  const std::size_t b = runner_.add_cond({at::ones({1, 77, 8}), {}, {}});
  runner_.drop_cond(0);
  EXPECT_EQ(units_.dropped, std::vector<ConstantId>{ConstantId{1}});
  const DenoiseCall call = {at::zeros({2, 4, 8, 8}), 3.0F, {b}};
  runner_.set_item_sigmas({3.0F, 1.0F});
  runner_.denoise({call});
  EXPECT_EQ(std::get<Denoise>(units_.tasks.front().unit).item_sigmas,
            (std::vector<float>{3.0F, 1.0F}));
  runner_.set_item_sigmas({});
  runner_.denoise({call});
  EXPECT_TRUE(std::get<Denoise>(units_.tasks.front().unit).item_sigmas.empty());
}

TEST_F(RemoteUnitRunnerTest, AnEvaluatorsPatchesFollowTheLoras) {
  job_.weight_patches = {{{.path = "p", .inode = 9}, 0.25}};
  const std::size_t a = runner_.add_cond({at::ones({1, 77, 8}), {}, {}});
  runner_.denoise({{at::zeros({1, 4, 8, 8}), 3.0F, {a}, {}, {{"b", 2.0}}}});
  const PatchSet& set = std::get<Denoise>(units_.tasks.front().unit).patches;
  ASSERT_EQ(set.loras.size(), 2U);
  EXPECT_EQ(set.loras[1], job_.weight_patches.front());
  EXPECT_EQ(set.hooks.size(), 1U);
}

TEST_F(RemoteUnitRunnerTest, ResultsComeInTheOrderOfTheCalls) {
  const std::size_t a = runner_.add_cond({at::ones({1, 77, 8}), {}, {}});
  const std::size_t b = runner_.add_cond({at::zeros({1, 77, 8}), at::ones({1, 4}), {}});
  EXPECT_FALSE(units_.constants[a].cond.pooled.has_value());
  EXPECT_TRUE(units_.constants[b].cond.pooled.has_value());
  const at::Tensor x = at::zeros({1, 4, 32, 32});
  const auto results = runner_.denoise({{x, 1.0F, {a, b}}, {x, 1.0F, {b}}});
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].sizes().vec(), (std::vector<std::int64_t>{2, 1, 4, 32, 32}));
  EXPECT_EQ(results[0].max().item<float>(), 2.0F);
  EXPECT_EQ(results[1].max().item<float>(), 1.0F);
}

TEST_F(RemoteUnitRunnerTest, ARegionGivesAResultOfItsShape) {
  const std::size_t cond = runner_.add_cond({at::ones({1, 77, 8}), {}});
  const LatentRegion region = {LatentWindow{2, {30, 31, 0}}, LatentArea{3, 20, 0, 1}};
  const auto results = runner_.denoise({{at::zeros({1, 4, 32, 32}), 1.0F, {cond}, region}});
  EXPECT_EQ(results[0].sizes().vec(), (std::vector<std::int64_t>{1, 1, 4, 3, 20}));
  EXPECT_EQ(std::get<Denoise>(units_.tasks[0].unit).region, region);
}

TEST_F(RemoteUnitRunnerTest, TheChannelsOfAnInpaintingModelTravelWithTheCond) {
  const std::size_t cond =
      runner_.add_cond({at::ones({1, 77, 8}), {}, {}, at::ones({1, 5, 32, 32})});
  EXPECT_TRUE(units_.constants[cond].cond.concat.has_value());
}

TEST_F(RemoteUnitRunnerTest, PluginHooksGoWithTheirCond) {
  const PluginHook hook{"wrapper", "p", "{}"};
  const std::size_t cond = runner_.add_cond({at::ones({1, 77, 8}), {}, {}, {}, {}, {hook}});
  EXPECT_EQ(units_.constants[cond].cond.plugin_hooks, std::vector{hook});
}

TEST_F(RemoteUnitRunnerTest, CallsOfAStepShareTheirInput) {
  const std::size_t cond = runner_.add_cond({at::ones({1, 77, 8}), {}, {}});
  const at::Tensor x = at::zeros({1, 4, 32, 32});
  runner_.denoise({{x, 1.0F, {cond}}, {x, 1.0F, {cond}}});
  EXPECT_EQ(units_.tasks[0].inputs, units_.tasks[1].inputs);
  EXPECT_EQ(units_.tasks[0].constants, std::vector{ConstantId{1}});
  const auto shares = runner_.take_shares();
  ASSERT_EQ(shares.size(), 2U);
  EXPECT_EQ(shares.at("w0").units, 1);
  EXPECT_EQ(shares.at("w1").units, 1);
  EXPECT_TRUE(runner_.take_shares().empty());
}

TEST_F(RemoteUnitRunnerTest, UnitsNameTheJobsLorasAndTheirHooks) {
  const std::size_t cond = runner_.add_cond({at::ones({1, 77, 8}), {}, {}});
  const at::Tensor x = at::zeros({1, 4, 32, 32});
  runner_.denoise({{x, 1.0F, {cond}, {}, {{"b", 0.25}}}, {x, 1.0F, {cond}}});
  const Patch lora = {job_.side_files.at("a"), 0.5};
  const Patch hook = {job_.side_files.at("b"), 0.25};
  EXPECT_EQ(std::get<Denoise>(units_.tasks[0].unit).patches, (PatchSet{{lora}, {hook}}));
  EXPECT_EQ(std::get<Denoise>(units_.tasks[1].unit).patches, (PatchSet{{lora}, {}}));
}

TEST_F(RemoteUnitRunnerTest, MotionModulesAreUsedWithinTheirRange) {
  job_.job.motion.emplace();
  job_.job.motion->scale = 1.3;
  job_.job.motion->effect = 0.6;
  job_.job.motion->start_percent = 0.2;
  job_.job.motion->end_percent = 0.8;
  RemoteUnitRunner runner(units_, job_, SigmaParameters{});
  const std::size_t cond = runner.add_cond({at::ones({1, 77, 8}), {}, {}});
  const at::Tensor x = at::zeros({1, 4, 32, 32});
  runner.denoise({{x, 14.0F, {cond}}, {x, 1.0F, {cond}}, {x, 0.05F, {cond}}});
  const auto motion_of = [&](std::size_t i) {
    return std::get<Denoise>(units_.tasks[i].unit).motion;
  };
  EXPECT_EQ(motion_of(0).effect, 0.0);
  EXPECT_EQ(motion_of(1), (MotionUse{1.3, 0.6}));
  EXPECT_EQ(motion_of(2).effect, 0.0);
}

}  // namespace
}  // namespace tandem::coordinator

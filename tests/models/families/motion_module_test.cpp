#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/families/motion/module.hpp"
#include "protocol/error.hpp"
#include "tests/models/support/tiny_motion.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kChannels = 32;
constexpr std::int64_t kPositions = 5;
const std::string kName = motion_module_name("down_blocks", 0, 0);

TensorMap tiny_tensors() {
  at::manual_seed(4);
  TensorMap tensors;
  for (const auto& [name, layout] :
       motion_layouts({MotionVersion::kV3, {kChannels}, kPositions, 2})) {
    tensors[name] = at::randn(layout.shape) * 0.3;
  }
  return tensors;
}

class TinyMotion : public ::testing::Test {
 protected:
  at::Tensor run(const at::Tensor& x, const MotionInputs& inputs, std::int64_t norm_items = 1) {
    return module_(x, inputs, norm_items);
  }
  // Frames of one pass.
  at::Tensor frames(std::int64_t count) { return x_.narrow(0, 0, count); }

  MotionModule module_{Weights(tiny_tensors()), kName, {kChannels, kPositions, 2}};
  at::Tensor x_ = at::randn({8, kChannels, 3, 2});
};

TEST_F(TinyMotion, KeepsTheShapeAndMixesFramesOnly) {
  const at::Tensor before = run(frames(4), {4});
  EXPECT_EQ(before.sizes(), frames(4).sizes());
  at::Tensor changed = frames(4).clone();
  changed[1] = changed[1].flip(0);
  const at::Tensor after = run(changed, {4});
  EXPECT_FALSE(at::allclose(before[0], after[0], 1e-3, 1e-4)) << "a frame sees the others";
}

TEST_F(TinyMotion, PassesDoNotMix) {
  const at::Tensor both = run(x_, {4});
  EXPECT_TRUE(at::allclose(both.narrow(0, 4, 4), run(x_.narrow(0, 4, 4), {4}), 1e-5, 1e-5));
  EXPECT_FALSE(at::allclose(both, run(x_, {2}), 1e-3, 1e-3)) << "other sequences";
}

TEST_F(TinyMotion, PositionsTellFramesApart) {
  const at::Tensor same = x_.narrow(0, 0, 1).repeat({3, 1, 1, 1});
  const at::Tensor moved = run(same, {3});
  EXPECT_FALSE(at::allclose(moved[0], moved[1], 1e-3, 1e-3));
}

TEST_F(TinyMotion, NoEffectIsTheInputAndHalfOfItLiesBetween) {
  const at::Tensor x = frames(4);
  EXPECT_TRUE(at::equal(run(x, {4, 1.0, 0.0}), x));
  const at::Tensor whole = run(x, {4});
  EXPECT_TRUE(at::allclose(run(x, {4, 1.0, 0.5}), (x + whole) / 2, 1e-5, 1e-5));
}

// Keys of nothing: every frame weighs all frames the same.
TEST_F(TinyMotion, TheScaleIsOfTheKeys) {
  TensorMap without = tiny_tensors();
  for (auto& [name, tensor] : without) {
    if (name.find(".to_k.") != std::string::npos) tensor = at::zeros_like(tensor);
  }
  const MotionModule keyless(Weights(std::move(without)), kName, {kChannels, kPositions, 2});
  EXPECT_TRUE(at::allclose(run(frames(4), {4, 0.0}), keyless(frames(4), {4}, 1), 1e-5, 1e-5));
  EXPECT_FALSE(at::allclose(run(frames(4), {4, 0.0}), run(frames(4), {4}), 1e-3, 1e-3));
}

TEST_F(TinyMotion, ItsNormMaySeeAllFramesAsOne) {
  EXPECT_FALSE(at::allclose(run(frames(4), {4}, 4), run(frames(4), {4}, 1), 1e-3, 1e-3));
}

TEST_F(TinyMotion, MoreFramesThanPositionsAreRefused) {
  EXPECT_NO_THROW(run(frames(kPositions), {kPositions}));
  EXPECT_THROW(run(frames(kPositions + 1), {kPositions + 1}), Error);
}

TEST_F(TinyMotion, TensorsOfOtherSizesAreRefused) {
  for (const char* part : {".norm.weight", ".proj_in.weight", ".proj_out.bias",
                           ".transformer_blocks.0.attention_blocks.1.pos_encoder.pe",
                           ".transformer_blocks.0.norms.1.weight"}) {
    TensorMap tensors = tiny_tensors();
    tensors.at(kName + part) = at::ones({3, 3});
    EXPECT_THROW(MotionModule(Weights(std::move(tensors)), kName, {kChannels, kPositions, 2}),
                 Error)
        << part;
  }
}

}  // namespace
}  // namespace tandem::models

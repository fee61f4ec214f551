#include "models/upscale/rrdb_net.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/checkpoint/checkpoint.hpp"
#include "models/checkpoint/detect.hpp"
#include "protocol/error.hpp"
#include "tests/models/golden_case.hpp"
#include "tests/models/support/tiny_upscaler.hpp"

namespace tandem::models {
namespace {

// Every convolution zero, with biases of zero.
TensorMap zero_tensors(const RrdbConfig& config) {
  TensorMap tensors;
  for (const auto& [name, layout] : rrdb_layouts(config))
    tensors[name] = at::zeros(layout.shape);
  return tensors;
}

// Output channel i becomes input channel `step` * i.
void pass_channels(TensorMap& tensors, const std::string& layer, std::int64_t step = 1) {
  at::Tensor& weight = tensors.at(layer + ".weight");
  for (std::int64_t i = 0; i < kRrdbColours; ++i)
    weight[i][step * i][1][1] = 1;
}

// A network whose residual blocks add nothing: only the upsampling is left.
TensorMap plain_tensors(const RrdbConfig& config) {
  TensorMap tensors = zero_tensors(config);
  const RrdbNames names(config);
  pass_channels(tensors, names.first, config.unshuffle * config.unshuffle);
  for (const std::string& up : names.ups)
    pass_channels(tensors, up);
  pass_channels(tensors, names.hr);
  pass_channels(tensors, names.last);
  return tensors;
}

at::Tensor enlarged(const at::Tensor& image, std::int64_t times) {
  return image.repeat_interleave(times, 1).repeat_interleave(times, 2);
}

TEST(RrdbNet, UpsamplesByTheNearestNeighbour) {
  const at::Tensor image = at::rand({2, 5, 7, 3});
  for (const RrdbNaming naming : {RrdbNaming::kSequential, RrdbNaming::kTrunk, RrdbNaming::kBody}) {
    for (const std::int64_t upsamples : {0, 1, 2, 3}) {
      const RrdbConfig config = tiny_rrdb(naming, upsamples);
      const RrdbNet net(Weights(plain_tensors(config)), config);
      EXPECT_TRUE(at::equal(net.upscale(image), enlarged(image, std::int64_t{1} << upsamples)));
    }
  }
}

TEST(RrdbNet, UnshuffledModelsTakeSidesThatAreNoMultipleOfFour) {
  const RrdbConfig config = tiny_rrdb(RrdbNaming::kBody, 2, 2);
  const RrdbNet net(Weights(plain_tensors(config)), config);
  for (const std::int64_t side : {1, 2, 3, 5, 8}) {
    const at::Tensor image = at::rand({1, side, 9, 3});
    // Of each 2 x 2 pixels this network keeps the first.
    const at::Tensor kept = image.slice(1, 0, std::nullopt, 2).slice(2, 0, std::nullopt, 2);
    const at::Tensor expected = enlarged(kept, 4).narrow(1, 0, 2 * side).narrow(2, 0, 18);
    EXPECT_TRUE(at::equal(net.upscale(image), expected)) << side;
  }
}

// Dense blocks of which only conv5's part for x is left: each gives 1.2 x, three of them and the
// block's own residual 0.2 * 1.2^3 x + x, and the picture is added to that.
TEST(RrdbNet, ResidualsAreScaledByAFifth) {
  const RrdbConfig config = tiny_rrdb(RrdbNaming::kBody, 0);
  const RrdbNames names(config);
  TensorMap tensors = plain_tensors(config);
  for (int rdb = 1; rdb <= kRdbsOfBlock; ++rdb)
    pass_channels(tensors, names.dense(0, rdb, kConvsOfRdb));
  pass_channels(tensors, names.trunk);
  const RrdbNet net(Weights(tensors), config);
  const at::Tensor large = net.upscale(at::full({1, 2, 2, 3}, 0.1));
  EXPECT_NEAR(large.min().item<float>(), 0.1 * (2 + 0.2 * 1.728), 1e-6);
  EXPECT_EQ(net.upscale(at::full({1, 2, 2, 3}, 0.9)).max().item<float>(), 1.0F) << "clamped";
  // LeakyReLU's slope is what is left of a negative input, and 0 of that after the clamp.
  EXPECT_EQ(net.upscale(at::full({1, 2, 2, 3}, -0.5)).min().item<float>(), 0.0F);
}

TEST(RrdbNet, PicturesOfABatchAreIndependent) {
  const RrdbConfig config = tiny_rrdb(RrdbNaming::kTrunk, 1);
  TensorMap tensors;
  at::manual_seed(1);
  for (const auto& [name, layout] : rrdb_layouts(config))
    tensors[name] = at::randn(layout.shape) * 0.2;
  const RrdbNet net(Weights(tensors), config);
  const at::Tensor images = at::rand({3, 6, 5, 3});
  const at::Tensor together = net.upscale(images);
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(at::equal(together.narrow(0, i, 1), net.upscale(images.narrow(0, i, 1))));
}

TEST(RrdbNet, WhatIsNoPictureIsRefused) {
  const RrdbConfig config = tiny_rrdb(RrdbNaming::kTrunk, 1);
  const RrdbNet net(Weights(plain_tensors(config)), config);
  EXPECT_THROW(net.upscale(at::rand({1, 3, 8, 8})), Error);
  EXPECT_THROW(net.upscale(at::rand({1, 8, 8, 4})), Error);
}

class GoldenUpscale : public testing::TestWithParam<std::string> {};

TEST_P(GoldenUpscale, GivesComfyuisResult) {
  if (GetParam().empty()) GTEST_SKIP() << "there is no golden tree";
  const GoldenCase golden = read_golden_case("esrgan", GetParam());
  const UpscalePart part = inspect_model(golden.model).upscale.value();
  const RrdbNet net(Weights(open_checkpoint(part.file).tensors), part.config);
  const at::Tensor got = net.upscale(golden.tensors.at("img"));
  EXPECT_LE(golden_difference(got, golden.expected.at("image")), 1e-3);
}

// Those that are one tile; the others need the coordinator.
INSTANTIATE_TEST_SUITE_P(Cases, GoldenUpscale, testing::ValuesIn(golden_names("esrgan", {"tiled"})),
                         [](const auto& one) { return one.param.empty() ? "absent" : one.param; });

}  // namespace
}  // namespace tandem::models

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/families/unet/network.hpp"
#include "models/tensor/tensor_view.hpp"
#include "protocol/error.hpp"
#include "tests/models/support/tiny_file.hpp"

namespace tandem::models {
namespace {

UNetConfig tiny_config() {
  UNetConfig config;
  config.model_channels = 32;
  config.channel_mult = {1};
  config.num_res_blocks = {1};
  config.transformer_depth = {1};
  config.transformer_depth_output = {1, 1};
  config.context_dim = 16;
  config.num_heads = 4;
  return config;
}

TensorMap tiny_tensors() {
  at::manual_seed(3);
  TensorMap tensors;
  for (const auto& [name, layout] : tiny_sd1_layouts("")) {
    tensors[name] = at::randn(layout.shape) * 0.1;
  }
  return tensors;
}

class TinyUNet : public ::testing::Test {
 protected:
  at::Tensor run(const UNet& unet, at::ScalarType type = at::kFloat) {
    return unet(x_.to(type), time_, context_.to(type), std::nullopt).to(at::kFloat);
  }

  TensorMap tensors_ = tiny_tensors();
  at::Tensor x_ = at::randn({2, 4, 6, 5});
  at::Tensor time_ = at::tensor({500.0F, 20.0F});
  at::Tensor context_ = at::randn({2, 7, 16});
};

TEST_F(TinyUNet, UsesEveryTensorAndKeepsTheShape) {
  const Weights weights{TensorMap(tensors_)};
  const UNet unet(weights, tiny_config());
  EXPECT_EQ(run(unet).sizes(), x_.sizes());
  for (const std::string& name : weights.unused()) {
    EXPECT_TRUE(name.starts_with("cond_stage_model.") || name.starts_with("first_stage_model."))
        << name;
  }
}

TEST_F(TinyUNet, RepeatsItsBits) {
  const UNet unet(Weights{TensorMap(tensors_)}, tiny_config());
  EXPECT_TRUE(at::equal(run(unet), run(unet)));
}

TEST_F(TinyUNet, ItemsOfABatchDoNotMix) {
  const UNet unet(Weights{TensorMap(tensors_)}, tiny_config());
  const at::Tensor both = run(unet);
  const at::Tensor second =
      unet(x_.narrow(0, 1, 1), time_.narrow(0, 1, 1), context_.narrow(0, 1, 1), std::nullopt);
  EXPECT_TRUE(at::allclose(both.narrow(0, 1, 1), second, 1e-4, 1e-5));
}

TEST_F(TinyUNet, HalfPrecisionComesClose) {
  const at::Tensor exact = run(UNet(Weights{TensorMap(tensors_)}, tiny_config()));
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    const Weights weights{TensorMap(tensors_), {.compute = type}};
    const at::Tensor got = run(UNet(weights, tiny_config()), type);
    const double error = ((got - exact).abs().max() / exact.std()).item<double>();
    EXPECT_LT(error, type == at::kHalf ? 0.02 : 0.15) << c10::toString(type);
    EXPECT_GT(error, 0.0);
  }
}

TEST_F(TinyUNet, AVectorConditionThatItHasNotIsRefused) {
  const UNet unet(Weights{TensorMap(tensors_)}, tiny_config());
  EXPECT_THROW(unet(x_, time_, context_, at::zeros({2, 8})), Error);
}

TEST_F(TinyUNet, TensorsOfOtherSizesAreRefused) {
  for (const char* name : {"time_embed.0.weight", "middle_block.1.proj_in.weight",
                           "output_blocks.1.0.in_layers.0.weight", "out.2.bias",
                           "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"}) {
    TensorMap tensors = tensors_;
    tensors[name] = at::ones({3, 3});
    EXPECT_THROW(UNet(Weights{std::move(tensors)}, tiny_config()), Error) << name;
    tensors = tensors_;
    tensors.erase(name);
    if (std::string(name).ends_with("weight")) {
      EXPECT_THROW(UNet(Weights{std::move(tensors)}, tiny_config()), Error) << name;
    }
  }
}

TEST(UNetConfigCheck, ListsMustFitTogether) {
  EXPECT_NO_THROW(check_unet(UNetConfig{}, "x"));
  for (const auto& change : std::vector<std::function<void(UNetConfig&)>>{
           [](UNetConfig& c) { c.channel_mult.pop_back(); },
           [](UNetConfig& c) { c.transformer_depth.pop_back(); },
           [](UNetConfig& c) { c.transformer_depth_output.push_back(0); },
           [](UNetConfig& c) { c.channel_mult.front() = 0; },
           [](UNetConfig& c) { c.model_channels = 330; }, [](UNetConfig& c) { c.num_heads = 7; },
           [](UNetConfig& c) { c.num_heads = -1; },
           [](UNetConfig& c) { c.transformer_depth_middle = -1; },
           [](UNetConfig& c) { c.context_dim = 0; }}) {
    UNetConfig config;
    change(config);
    EXPECT_THROW(check_unet(config, "x"), Error);
  }
}

}  // namespace
}  // namespace tandem::models

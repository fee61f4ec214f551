#include "models/vae/autoencoder_kl.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

VaeConfig tiny_config() {
  VaeConfig config;
  config.ch = 32;
  config.ch_mult = {1, 2};
  config.num_res_blocks = 1;
  return config;
}

// Random weights for tiny_config.
class TensorWriter {
 public:
  TensorMap network() {
    conv("decoder.conv_in", 4, 64, 3);
    middle("decoder.mid");
    block("decoder.up.1.block.0", 64, 64);
    block("decoder.up.1.block.1", 64, 64);
    conv("decoder.up.1.upsample.conv", 64, 64, 3);
    block("decoder.up.0.block.0", 64, 32);
    block("decoder.up.0.block.1", 32, 32);
    norm("decoder.norm_out", 32);
    conv("decoder.conv_out", 32, 3, 3);
    conv("encoder.conv_in", 3, 32, 3);
    block("encoder.down.0.block.0", 32, 32);
    conv("encoder.down.0.downsample.conv", 32, 32, 3);
    block("encoder.down.1.block.0", 32, 64);
    middle("encoder.mid");
    norm("encoder.norm_out", 64);
    conv("encoder.conv_out", 64, 8, 3);
    conv("quant_conv", 8, 8, 1);
    conv("post_quant_conv", 4, 4, 1);
    return tensors_;
  }

  void attention(const std::string& name, std::int64_t channels) {
    norm(name + ".norm", channels);
    for (const char* part : {".q", ".k", ".v", ".proj_out"})
      conv(name + part, channels, channels, 1);
  }

  const TensorMap& tensors() const { return tensors_; }

 private:
  void put(const std::string& name, at::IntArrayRef shape) {
    tensors_[name] = 0.1 * at::randn(shape, generator_, at::kFloat);
  }
  void conv(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel) {
    put(name + ".weight", {out, in, kernel, kernel});
    put(name + ".bias", {out});
  }
  void norm(const std::string& name, std::int64_t channels) {
    put(name + ".weight", {channels});
    put(name + ".bias", {channels});
  }
  void block(const std::string& name, std::int64_t in, std::int64_t out) {
    norm(name + ".norm1", in);
    conv(name + ".conv1", in, out, 3);
    norm(name + ".norm2", out);
    conv(name + ".conv2", out, out, 3);
    if (in != out) conv(name + ".nin_shortcut", in, out, 1);
  }
  void middle(const std::string& name) {
    block(name + ".block_1", 64, 64);
    attention(name + ".attn_1", 64);
    block(name + ".block_2", 64, 64);
  }

  at::Generator generator_ = at::detail::createCPUGenerator(1);
  TensorMap tensors_;
};

TensorMap tiny_tensors() {
  return TensorWriter().network();
}

AutoencoderKL tiny_vae() {
  return {Weights(tiny_tensors()), tiny_config()};
}

at::Tensor random(at::IntArrayRef shape) {
  return at::rand(shape, at::detail::createCPUGenerator(2), at::kFloat);
}

template <class Call>
void expect_error(ErrorCode code, Call call) {
  try {
    call();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
  }
}

TEST(AutoencoderKL, DecodesToAnImage) {
  const at::Tensor image = tiny_vae().decode(20.0 * random({2, 4, 3, 5}) - 10.0);
  EXPECT_EQ(image.sizes(), (std::vector<std::int64_t>{2, 6, 10, 3}));
  EXPECT_EQ(image.scalar_type(), at::kFloat);
  EXPECT_TRUE(image.is_contiguous());
  EXPECT_GE(image.min().item<float>(), 0.0F);
  EXPECT_LE(image.max().item<float>(), 1.0F);
}

TEST(AutoencoderKL, GivesTheSameBitsForAnyBatch) {
  const AutoencoderKL vae = tiny_vae();
  const at::Tensor latent = random({3, 4, 4, 4});
  EXPECT_TRUE(vae.decode(latent)[2].equal(vae.decode(latent.narrow(0, 2, 1))[0]));
  const at::Tensor image = random({3, 8, 8, 3});
  EXPECT_TRUE(vae.encode(image)[2].equal(vae.encode(image.narrow(0, 2, 1))[0]));
}

TEST(AutoencoderKL, EncodesTheMiddleOfOddSides) {
  const AutoencoderKL vae = tiny_vae();
  const at::Tensor image = random({1, 9, 7, 3});
  const at::Tensor latent = vae.encode(image);
  EXPECT_EQ(latent.sizes(), (std::vector<std::int64_t>{1, 4, 4, 3}));
  // A surplus of one pixel is cut at the end.
  EXPECT_TRUE(latent.equal(vae.encode(image.narrow(1, 0, 8).narrow(2, 0, 6))));
}

TEST(AutoencoderKL, LeavesAlphaOut) {
  const AutoencoderKL vae = tiny_vae();
  const at::Tensor image = random({1, 8, 8, 4});
  EXPECT_TRUE(vae.encode(image).equal(vae.encode(image.narrow(3, 0, 3))));
}

TEST(AutoencoderKL, GivesTheMean) {
  // With all but the bias of quant_conv zero, the moments are that bias.
  TensorMap tensors = tiny_tensors();
  tensors["quant_conv.weight"] = at::zeros({8, 8, 1, 1});
  tensors["quant_conv.bias"] = at::arange(8, at::kFloat);
  const at::Tensor latent =
      AutoencoderKL(Weights(tensors), tiny_config()).encode(random({1, 4, 4, 3}));
  EXPECT_TRUE(latent.equal(at::arange(4, at::kFloat).view({1, 4, 1, 1}).expand({1, 4, 2, 2})));
}

TEST(AutoencoderKL, WorksWithoutTheQuantisingConvolutions) {
  VaeConfig config = tiny_config();
  config.embed_dim = 0;
  TensorMap tensors = tiny_tensors();
  tensors.erase("quant_conv.weight");
  tensors.erase("post_quant_conv.weight");
  const AutoencoderKL vae(Weights(tensors), config);
  EXPECT_EQ(vae.encode(random({1, 8, 8, 3})).size(1), 4);
  EXPECT_EQ(vae.decode(random({1, 4, 2, 2})).size(3), 3);
}

TEST(AutoencoderKL, PutsAttentionWhereTheResolutionHasIt) {
  VaeConfig config = tiny_config();
  config.attn_resolutions = {128};  // the second of the levels 256, 128
  TensorWriter writer;
  writer.network();
  writer.attention("encoder.down.1.attn.0", 64);
  writer.attention("decoder.up.1.attn.0", 64);
  writer.attention("decoder.up.1.attn.1", 64);
  const AutoencoderKL with(Weights(writer.tensors()), config);
  const AutoencoderKL without(Weights(writer.tensors()), tiny_config());
  const at::Tensor latent = random({1, 4, 4, 4});
  EXPECT_FALSE(with.decode(latent).allclose(without.decode(latent)));
  expect_error(ErrorCode::kMissingTensor, [&] { AutoencoderKL(Weights(tiny_tensors()), config); });
}

TEST(AutoencoderKL, DecodesWithoutAnEncoder) {
  TensorMap tensors = tiny_tensors();
  std::erase_if(tensors, [](const auto& entry) { return entry.first.starts_with("encoder."); });
  tensors.erase("quant_conv.weight");
  const AutoencoderKL vae(Weights(tensors), tiny_config());
  EXPECT_EQ(vae.decode(random({1, 4, 2, 2})).size(1), 4);
  expect_error(ErrorCode::kMissingTensor, [&] { vae.encode(random({1, 8, 8, 3})); });
}

TEST(AutoencoderKL, RefusesOtherShapes) {
  const AutoencoderKL vae = tiny_vae();
  expect_error(ErrorCode::kBadShape, [&] { vae.decode(random({1, 3, 4, 4})); });
  expect_error(ErrorCode::kBadShape, [&] { vae.decode(random({4, 4, 4})); });
  expect_error(ErrorCode::kBadShape, [&] { vae.decode(random({0, 4, 4, 4})); });
  expect_error(ErrorCode::kBadShape, [&] { vae.encode(random({1, 1, 8, 3})); });
  expect_error(ErrorCode::kBadShape, [&] { vae.encode(random({1, 8, 8, 1})); });
}

TEST(AutoencoderKL, RefusesSizesThatTheFileDoesNotHave) {
  VaeConfig config = tiny_config();
  config.ch_mult = {1, 4};
  expect_error(ErrorCode::kBadShape, [&] { AutoencoderKL(Weights(tiny_tensors()), config); });
}

}  // namespace
}  // namespace tandem::models

#include "models/model.hpp"

#include <filesystem>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/support/specs.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"

namespace tandem::models {
namespace {

// The smallest SD1 checkpoint with random weights.
class TinyModel : public ::testing::Test {
 protected:
  TinyModel() {
    at::manual_seed(11);
    std::vector<NamedNumbers> tensors;
    for (const auto& [name, layout] : tiny_sd1_layouts()) {
      const at::Tensor numbers = at::randn(layout.shape) * 0.1;
      const float* first = numbers.const_data_ptr<float>();
      tensors.push_back({name, layout.shape, {first, first + numbers.numel()}});
    }
    write_numbers_file(path_, tensors, tiny_sd1_metadata());
  }

  std::unique_ptr<Model> open(ComputeType dtype = ComputeType::kAuto) {
    ModelSpec spec = spec_of(path_);
    spec.dtype = dtype;
    return Model::open(spec, {});
  }

  PreparedCond cond(Model& model, std::int64_t tokens) {
    CondInputs inputs;
    inputs.context = at::randn({1, tokens, 16});
    return model.prepare_cond(inputs);
  }

  ErrorCode code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("tiny.safetensors");
  at::Tensor x_ = at::randn({2, 4, 8, 6});
};

TEST_F(TinyModel, LoadsAPartWhenItIsNeeded) {
  const auto model = open();
  EXPECT_FALSE(model->is_loaded(ModelPart::kUnet));
  EXPECT_EQ(model->bytes_held(), 0U);
  const PreparedCond first = cond(*model, 5);
  const std::array<const PreparedCond*, 1> conds = {&first};
  model->denoise(x_, 2.0F, conds, model->info().sigmas);
  EXPECT_TRUE(model->is_loaded(ModelPart::kUnet));
  EXPECT_FALSE(model->is_loaded(ModelPart::kText));
  std::uint64_t bytes = 0;
  for (const auto& [name, layout] : tiny_sd1_layouts()) {
    if (name.starts_with("model.diffusion_model.")) bytes += byte_size(layout);
  }
  EXPECT_EQ(model->bytes_of(ModelPart::kUnet), bytes);
  EXPECT_TRUE(model->unused_tensors(ModelPart::kUnet).empty());
}

TEST_F(TinyModel, EachItemMayHaveItsOwnSigma) {
  const auto model = open();
  const PreparedCond first = cond(*model, 5), second = cond(*model, 5);
  const std::array<const PreparedCond*, 2> conds = {&first, &second};
  const auto denoise = [&](const NoiseLevels& sigma) {
    return model->denoise(x_, sigma, conds, model->info().sigmas);
  };
  const at::Tensor low = denoise(0.5F), high = denoise(4.0F);
  const at::Tensor mixed = denoise(NoiseLevels({0.5F, 4.0F}));
  EXPECT_TRUE(at::allclose(mixed.select(1, 0), low.select(1, 0), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(mixed.select(1, 1), high.select(1, 1), 1e-5, 1e-6));
  EXPECT_EQ(code_of([&] { denoise(NoiseLevels({1.0F, 2.0F, 3.0F})); }), ErrorCode::kBadShape);
}

TEST_F(TinyModel, DenoiseOfOneCondRepeatsItsBits) {
  const auto model = open();
  const PreparedCond first = cond(*model, 5);
  const std::array<const PreparedCond*, 1> conds = {&first};
  const at::Tensor once = model->denoise(x_, 2.0F, conds, model->info().sigmas);
  EXPECT_EQ(once.sizes(), (std::vector<std::int64_t>{1, 2, 4, 8, 6}));
  EXPECT_TRUE(at::equal(once, model->denoise(x_, 2.0F, conds, model->info().sigmas)));
  EXPECT_TRUE(at::equal(once, [&] {
    const auto other = open();
    return other->denoise(x_, 2.0F, conds, other->info().sigmas);
  }()));
}

TEST_F(TinyModel, WhatWrapsTheNetworkIsCalledInItsPlace) {
  int calls = 0;
  std::vector<std::int64_t> seen;
  ModelDevice device;
  device.wrap_network = [&](Network network) -> Network {
    return [&, network = std::move(network)](const NetworkInputs& inputs) {
      ++calls;
      seen = inputs.timesteps.sizes().vec();
      return network(inputs);
    };
  };
  const auto plain = open();
  const auto wrapped = Model::open(spec_of(path_), device);
  const PreparedCond first = cond(*wrapped, 5);
  const std::array<const PreparedCond*, 1> conds = {&first};
  EXPECT_TRUE(at::equal(wrapped->denoise(x_, 2.0F, conds, wrapped->info().sigmas),
                        plain->denoise(x_, 2.0F, conds, plain->info().sigmas)));
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(seen, (std::vector<std::int64_t>{2}));
}

// A GPU's types and memory format, computed here.
TEST_F(TinyModel, ChannelsLastIsTheSameNetwork) {
  ModelDevice device;
  device.types.is_gpu = true;
  bool is_last = false;
  device.wrap_network = [&](Network network) -> Network {
    return [&, network = std::move(network)](const NetworkInputs& inputs) {
      is_last = inputs.x.is_contiguous(at::MemoryFormat::ChannelsLast);
      EXPECT_EQ(inputs.x.scalar_type(), at::kHalf);
      return network(inputs);
    };
  };
  const auto first = open(ComputeType::kF16);
  const auto last = Model::open(spec_of(path_), device);
  const at::Tensor time = at::tensor({10.0F, 700.0F});
  const at::Tensor context = at::randn({2, 5, 16});
  const at::Tensor expected = first->forward(x_, time, context, {});
  EXPECT_TRUE(at::allclose(last->forward(x_, time, context, {}), expected, 2e-2, 2e-2));
  EXPECT_TRUE(is_last);
}

TEST_F(TinyModel, CondsInOnePassAgreeWithCondsAlone) {
  const auto model = open();
  const PreparedCond first = cond(*model, 4);
  const PreparedCond second = cond(*model, 6);
  const std::array<const PreparedCond*, 2> both = {&first, &second};
  const at::Tensor together = model->denoise(x_, 2.0F, both, model->info().sigmas);
  for (std::size_t i = 0; i < both.size(); ++i) {
    const std::array<const PreparedCond*, 1> one = {both.at(i)};
    const at::Tensor alone = model->denoise(x_, 2.0F, one, model->info().sigmas);
    EXPECT_TRUE(at::allclose(together[static_cast<std::int64_t>(i)], alone[0], 1e-4, 1e-5)) << i;
  }
}

// eps: denoised = x - sigma * network(c_in * x, t).
TEST_F(TinyModel, DenoiseIsTheBareNetworkInsideThePrediction) {
  const auto model = open();
  const PreparedCond first = cond(*model, 5);
  const std::array<const PreparedCond*, 1> conds = {&first};
  const float sigma = 3.0F;
  const Prediction prediction(model->info().sigmas);
  const at::Tensor sigmas = at::full({2}, sigma);
  const at::Tensor noise =
      model->forward(x_ / std::sqrt(sigma * sigma + 1), prediction.timestep(sigmas),
                     first.context.repeat({2, 1, 1}), {});
  const at::Tensor denoised = model->denoise(x_, sigma, conds, model->info().sigmas)[0];
  EXPECT_TRUE(at::allclose(denoised, x_ - sigma * noise, 1e-4, 1e-5));
}

TEST_F(TinyModel, ComputesInTheTypeThatIsAskedFor) {
  const auto exact = open();
  const at::Tensor time = at::tensor({10.0F, 700.0F});
  const at::Tensor context = at::randn({2, 5, 16});
  const at::Tensor expected = exact->forward(x_, time, context, {});
  for (const ComputeType type : {ComputeType::kF16, ComputeType::kBF16}) {
    const auto model = open(type);
    const at::Tensor got = model->forward(x_, time, context, {});
    EXPECT_EQ(got.scalar_type(), at::kFloat);
    EXPECT_FALSE(at::equal(got, expected));
    EXPECT_LT(((got - expected).abs().max() / expected.std()).item<double>(), 0.2);
    EXPECT_EQ(model->bytes_held() * 2, exact->bytes_held());
  }
}

TEST_F(TinyModel, WrongInputsAreRefused) {
  const auto model = open();
  const PreparedCond first = cond(*model, 5);
  const std::array<const PreparedCond*, 1> conds = {&first};
  const SigmaParameters& sigmas = model->info().sigmas;
  EXPECT_EQ(code_of([&] {
              model->denoise(at::ones({1, 3, 8, 8}), 1, conds, sigmas);
            }),
            ErrorCode::kBadShape);
  EXPECT_EQ(code_of([&] {
              model->denoise(at::ones({4, 8, 8}), 1, conds, sigmas);
            }),
            ErrorCode::kBadShape);
  EXPECT_EQ(code_of([&] { model->denoise(x_, 1, {}, sigmas); }), ErrorCode::kBadRequest);
  EXPECT_EQ(code_of([&] {
              model->forward(x_, at::ones({2}), at::ones({2, 5, 16}), at::ones({2, 4}));
            }),
            ErrorCode::kBadRequest);
}

TEST_F(TinyModel, AFileThatChangedIsNotLoaded) {
  const auto model = open();
  std::filesystem::last_write_time(
      path_, std::filesystem::last_write_time(path_) + std::chrono::seconds(1));
  EXPECT_EQ(code_of([&] { model->load(ModelPart::kUnet); }), ErrorCode::kBadCheckpoint);
  EXPECT_FALSE(model->is_loaded(ModelPart::kUnet));
}

TEST_F(TinyModel, PartsThatAreNotThereAreRefused) {
  std::vector<NamedLayout> tensors = tiny_sd1_layouts();
  std::erase_if(tensors, [](const auto& t) { return !t.first.starts_with("model."); });
  const std::string path = folder_.file("unet.safetensors");
  write_hollow_file(path, tensors, tiny_sd1_metadata());
  const auto model = Model::open(spec_of(path), {});
  EXPECT_EQ(code_of([&] { model->load(ModelPart::kText); }), ErrorCode::kUnsupported);
  EXPECT_EQ(code_of([&] { model->decode(x_); }), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tandem::models

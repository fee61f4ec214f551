#include <filesystem>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/checkpoint/checkpoint.hpp"
#include "models/model.hpp"
#include "protocol/error.hpp"
#include "tests/models/support/specs.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"

namespace tandem::models {
namespace {

constexpr const char* kConv = "model.diffusion_model.input_blocks.0.0.weight";
constexpr const char* kConvDiff = "diffusion_model.input_blocks.0.0.diff";

class PatchedModel : public ::testing::Test {
 protected:
  PatchedModel() {
    at::manual_seed(11);
    write(path_, 0.0);
    write_patch(a_, 0.1);
    write_patch(b_, -0.2);
  }

  // The tiny checkpoint; the first convolution has `added` more everywhere.
  void write(const std::string& path, double added) {
    at::manual_seed(11);
    std::vector<NamedNumbers> tensors;
    for (const auto& [name, layout] : tiny_sd1_layouts()) {
      at::Tensor numbers = at::randn(layout.shape) * 0.1;
      if (name == kConv) {
        conv_shape_ = layout.shape;
        numbers = numbers + added;
      }
      const float* first = numbers.const_data_ptr<float>();
      tensors.push_back({name, layout.shape, {first, first + numbers.numel()}});
    }
    write_numbers_file(path, tensors, tiny_sd1_metadata());
  }

  void write_patch(const std::string& path, float value) {
    const std::int64_t count = c10::multiply_integers(conv_shape_);
    write_numbers_file(path, {{kConvDiff, conv_shape_,
                               std::vector<float>(static_cast<std::size_t>(count), value)}});
  }

  static Patch patch(const std::string& path, double strength = 1.0) {
    return {open_checkpoint(path).stamp, strength};
  }

  at::Tensor denoise(Model& model, const PatchSet& patches = {}) {
    CondInputs inputs;
    inputs.context = context_;
    const PreparedCond cond = model.prepare_cond(inputs);
    const PreparedCond* conds[] = {&cond};
    return model.denoise(x_, 1.0F, conds, model.info().sigmas, {}, patches);
  }

  std::unique_ptr<Model> open(const std::string& path) { return Model::open(spec_of(path), {}); }

  TemporaryFolder folder_;
  std::vector<std::int64_t> conv_shape_;
  std::string path_ = folder_.file("tiny.safetensors");
  std::string a_ = folder_.file("a.safetensors");
  std::string b_ = folder_.file("b.safetensors");
  at::Tensor x_ = at::randn({1, 4, 8, 6});
  at::Tensor context_ = at::randn({1, 5, 16});
};

TEST_F(PatchedModel, IsTheModelWithThoseWeights) {
  const std::string merged = folder_.file("merged.safetensors");
  write(merged, 0.1F);
  const at::Tensor expected = denoise(*open(merged));
  const auto model = open(path_);
  EXPECT_TRUE(at::equal(denoise(*model, {{patch(a_)}, {}}), expected));
  EXPECT_TRUE(at::equal(denoise(*model, {{}, {patch(a_)}}), expected));
  EXPECT_FALSE(at::equal(denoise(*model), expected));
}

TEST_F(PatchedModel, AnySequenceOfPatchesLeavesNoTrace) {
  for (const std::uint64_t budget : {std::uint64_t{0}, std::uint64_t{1} << 30}) {
    const auto model = open(path_);
    model->set_patch_budget(budget);
    const at::Tensor plain = denoise(*model);
    const std::vector<PatchSet> sets = {
        {{patch(a_)}, {}}, {{patch(a_, 0.5)}, {patch(b_)}}, {{}, {patch(a_), patch(b_, -0.3)}}};
    for (int round = 0; round < 3; ++round) {
      for (const PatchSet& set : sets) {
        EXPECT_TRUE(at::equal(denoise(*model, set), denoise(*open(path_), set)));
        EXPECT_TRUE(at::equal(denoise(*model), plain));
      }
    }
  }
}

TEST_F(PatchedModel, SharesWhatIsNotPatched) {
  const auto model = open(path_);
  denoise(*model);
  const std::uint64_t plain = model->bytes_held();
  denoise(*model, {{}, {patch(a_)}});
  const auto conv = static_cast<std::uint64_t>(c10::multiply_integers(conv_shape_)) * sizeof(float);
  EXPECT_EQ(model->bytes_held(), plain + conv);
}

TEST_F(PatchedModel, AFileThatChangedIsRefused) {
  const Patch before = patch(a_);
  write_patch(a_, 0.3);
  std::filesystem::last_write_time(
      a_, std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  const auto model = open(path_);
  try {
    denoise(*model, {{before}, {}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadCheckpoint);
  }
  EXPECT_NO_THROW(denoise(*model));
}

}  // namespace
}  // namespace tandem::models

#include "coordinator/conditioning/resolved_cond.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kLatentShape[] = {1, 4, 24, 16};

ModelInfo model(int pooled_width) {
  ModelInfo info;
  info.display_name = "a model";
  info.context_width = 32;
  info.pooled_width = pooled_width;
  return info;
}

RequestedCond requested(int pooled_width) {
  RequestedCond cond;
  cond.tensors.context = at::zeros({1, 16, 32});
  if (pooled_width > 0) cond.tensors.pooled = at::zeros({1, pooled_width});
  return cond;
}

ResolvedCond resolve(const RequestedCond& cond, int pooled_width = 0) {
  const models::Prediction prediction((SigmaParameters()));
  return resolve_cond(cond, model(pooled_width), prediction, kLatentShape, "positive[2]");
}

TEST(ResolvedCond, PercentsBecomeSigmasWithBothEndsInside) {
  RequestedCond cond = requested(0);
  EXPECT_TRUE(is_active(resolve(cond), 1e9F));
  EXPECT_TRUE(is_active(resolve(cond), 0.0F));
  cond.cond.start_percent = 0.25;
  cond.cond.end_percent = 0.75;
  const ResolvedCond ranged = resolve(cond);
  const models::Prediction prediction((SigmaParameters()));
  EXPECT_EQ(ranged.sigma_start, static_cast<float>(prediction.percent_to_sigma(0.25)));
  EXPECT_TRUE(is_active(ranged, ranged.sigma_start));
  EXPECT_TRUE(is_active(ranged, ranged.sigma_end));
  EXPECT_FALSE(is_active(ranged, ranged.sigma_start * 1.001F));
  EXPECT_FALSE(is_active(ranged, ranged.sigma_end * 0.999F));
}

TEST(ResolvedCond, SizesDefaultToTheLatents) {
  using Sizes = std::array<double, 6>;
  RequestedCond cond = requested(8);
  EXPECT_EQ(resolve(cond, 8).tensors.sizes, (Sizes{192, 128, 0, 0, 192, 128}));
  cond.cond.width = 768;
  cond.cond.height = 1024;
  cond.cond.crop_w = 16;
  EXPECT_EQ(resolve(cond, 8).tensors.sizes, (Sizes{1024, 768, 0, 16, 1024, 768}));
  cond.cond.target_width = 640;
  EXPECT_EQ(resolve(cond, 8).tensors.sizes, (Sizes{1024, 768, 0, 16, 1024, 640}));
}

TEST(ResolvedCond, FamiliesWithoutPooledTextGetNone) {
  const ResolvedCond cond = resolve(requested(8));
  EXPECT_FALSE(cond.tensors.pooled.defined());
  EXPECT_FALSE(cond.tensors.sizes.has_value());
}

TEST(ResolvedCond, AMaskGetsTheLatentsSizeAndItsBoundsMayBeTheArea) {
  RequestedCond cond = requested(0);
  cond.mask = at::zeros({48, 32});
  cond.mask.narrow(0, 20, 24).narrow(1, 4, 20).fill_(1);
  cond.cond.mask_strength = 0.5;
  const ResolvedCond masked = resolve(cond);
  EXPECT_EQ(masked.mask.sizes().vec(), (std::vector<std::int64_t>{1, 1, 24, 16}));
  EXPECT_EQ(masked.mask_strength, 0.5);
  EXPECT_FALSE(masked.area.has_value());
  cond.cond.set_area_to_bounds = true;
  EXPECT_EQ(resolve(cond).area, (LatentArea{12, 10, 10, 2}));
}

TEST(ResolvedCond, ADefaultCondHasNoArea) {
  RequestedCond cond = requested(0);
  cond.cond.is_default = true;
  EXPECT_TRUE(resolve(cond).is_default);
  cond.cond.area = job::Area{8, 8, 0, 0};
  EXPECT_THROW(resolve(cond), Error);
}

TEST(ResolvedCond, TensorsThatDoNotFitAreRefused) {
  const auto path_of = [](const RequestedCond& cond, int pooled_width) {
    try {
      resolve(cond, pooled_width);
    } catch (const Error& error) {
      return error.failure().path;
    }
    return std::string();
  };
  RequestedCond narrow = requested(0);
  narrow.tensors.context = at::zeros({1, 16, 31});
  EXPECT_EQ(path_of(narrow, 0), "positive[2]");
  EXPECT_EQ(path_of({}, 0), "positive[2]");
  EXPECT_EQ(path_of(requested(0), 8), "positive[2].pooled");
  EXPECT_EQ(path_of(requested(7), 8), "positive[2].pooled");
  RequestedCond masked = requested(0);
  masked.mask = at::zeros({2, 3, 8, 8});
  EXPECT_EQ(path_of(masked, 0), "positive[2].mask");
}

}  // namespace
}  // namespace tandem::coordinator

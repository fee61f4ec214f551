#include "coordinator/units/window_splitter.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kShape[] = {1, 4, 6, 2};
const Sigmas kSigmas = {10.0F, 4.0F, 1.0F, 0.0F};

job::Context context() {
  job::Context made;
  made.length = 4;
  made.overlap = 2;
  return made;
}

TEST(WindowSplitter, NoneWhereOneWindowHoldsAll) {
  EXPECT_FALSE(make_window_splitter(std::nullopt, kSigmas, kShape).has_value());
  EXPECT_TRUE(make_window_splitter(context(), kSigmas, kShape).has_value());
  EXPECT_FALSE(make_window_splitter(context(), kSigmas, {1, 4, 4, 2}).has_value());
}

TEST(WindowSplitter, TheStepIsThatOfTheSigma) {
  const WindowSplitter splitter(context(), kSigmas, kShape);
  EXPECT_EQ(splitter.split(10.0F)[0].indices, (std::vector<std::int64_t>{0, 1, 2, 3}));
  EXPECT_EQ(splitter.split(4.0F)[0].indices, (std::vector<std::int64_t>{2, 3, 4, 5}));
  EXPECT_EQ(splitter.split(4.0003F)[0].indices, (std::vector<std::int64_t>{2, 3, 4, 5}));
  try {
    splitter.split(4.001F);
    FAIL() << "a sigma between the steps was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadRequest);
    EXPECT_EQ(error.failure().path, "context");
  }
}

TEST(WindowSplitter, SchedulesThatAreTheSameAtEveryStepNeedNoSigmas) {
  job::Context fixed = context();
  fixed.schedule = "standard_static";
  const auto splitter = make_static_window_splitter(fixed, kShape);
  ASSERT_TRUE(splitter.has_value());
  EXPECT_EQ(splitter->split(7.5F), WindowSplitter(fixed, kSigmas, kShape).split(4.0F));
  EXPECT_FALSE(make_static_window_splitter(std::nullopt, kShape).has_value());
  EXPECT_FALSE(make_static_window_splitter(fixed, {1, 4, 4, 2}).has_value());
  try {
    make_static_window_splitter(context(), kShape);
    FAIL() << "windows that depend on the step were taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadRequest);
    EXPECT_EQ(error.failure().path, "sigmas");
  }
}

// What predicts each cell by itself is the same in windows, whatever their weights.
TEST(WindowSplitter, MergesToTheWhole) {
  const at::Tensor latent = at::randn(kShape);
  for (const char* const fuse : {"pyramid", "flat", "relative", "overlap-linear"}) {
    job::Context fused = context();
    fused.fuse = fuse;
    const WindowSplitter splitter(fused, kSigmas, kShape);
    const std::vector<LatentWindow> windows = splitter.split(10.0F);
    std::vector<at::Tensor> predictions;
    predictions.reserve(windows.size());
    for (const LatentWindow& window : windows)
      predictions.push_back(latent.index_select(window.dim, at::tensor(window.indices)));
    EXPECT_TRUE(at::allclose(splitter.merge(windows, predictions), latent, 1e-5, 1e-6)) << fuse;
  }
}

}  // namespace
}  // namespace tandem::coordinator

// The CUDA back end's kernels against LibTorch's on the CPU, on a GPU; elsewhere what the operator
// does there.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "device_worker/device/gpu_module.hpp"
#include "models/layers/geglu.hpp"
#include "models/layers/group_norm.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

constexpr double kEps = 1e-5;

struct Shape {
  std::vector<std::int64_t> x;
  std::int64_t groups = 32;
};

// SD 1.5's and SDXL's, odd sizes, few pixels, one group. Groups of one channel are LibTorch's,
// whose kernel rounds its factors to half precision: far off for means as large as these.
const std::vector<Shape> kShapes = {{{2, 320, 64, 64}}, {{1, 1280, 8, 8}},  {{2, 2560, 16, 16}},
                                    {{1, 960, 33, 47}}, {{3, 64, 1, 1}},    {{1, 320, 128, 128}},
                                    {{1, 64, 5, 3}, 1}, {{2, 96, 7, 9}, 3}, {{1, 128, 256, 256}}};

class CudaKernelsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      backend_ = load_gpu_backend(0);
    } catch (const Error& error) {
      ASSERT_EQ(error.code(), ErrorCode::kNoWorker);
      GTEST_SKIP() << "no device: " << error.what();
    }
  }

  std::unique_ptr<GpuBackend> backend_;
};

at::Tensor draw(const std::vector<std::int64_t>& shape, at::ScalarType type) {
  // Means far from zero, different in each channel: what a sum of squares would lose its digits by.
  const at::Tensor offset = at::linspace(-20, 20, shape[1]).view({1, shape[1], 1, 1});
  return (at::randn(shape) * 3 + offset).to(type);
}

// In steps of the type, at the result's size.
double worst(const at::Tensor& result, const at::Tensor& expected, at::ScalarType type) {
  const double step = type == at::kHalf ? 0x1p-11 : 0x1p-8;
  const at::Tensor error = (result.to(at::kCPU, at::kFloat) - expected).abs();
  return (error / (expected.abs() + 0.01) / step).max().item<double>();
}

TEST_F(CudaKernelsTest, RoundsTheResultOfFloat32OnceForEveryShape) {
  at::manual_seed(1);
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    for (const Shape& shape : kShapes) {
      const at::Tensor x = draw(shape.x, type);
      const at::Tensor weight = at::randn({shape.x[1]}).to(type);
      const at::Tensor bias = at::randn({shape.x[1]}).to(type);
      const at::Tensor on_gpu = x.to(at::kCUDA).contiguous(at::MemoryFormat::ChannelsLast);
      for (const bool silu : {false, true}) {
        const at::Tensor expected = models::plain_group_norm(
            x.to(at::kFloat), shape.groups, weight.to(at::kFloat), bias.to(at::kFloat), kEps, silu);
        const at::Tensor result =
            models::group_norm(on_gpu, weight.to(at::kCUDA), bias.to(at::kCUDA),
                               {.groups = shape.groups, .eps = kEps, .silu = silu});
        EXPECT_EQ(result.scalar_type(), type);
        EXPECT_LE(worst(result, expected, type), 2.0) << x.sizes() << " silu " << silu;
      }
    }
  }
}

TEST_F(CudaKernelsTest, AnItemHasTheSameBitsInEveryBatch) {
  at::manual_seed(2);
  const at::Tensor x =
      draw({4, 320, 48, 40}, at::kHalf).to(at::kCUDA).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor weight = at::randn({320}).to(at::kHalf).to(at::kCUDA);
  const at::Tensor together = models::group_norm(x, weight, weight, {.silu = true});
  EXPECT_TRUE(together.is_contiguous(at::MemoryFormat::ChannelsLast));
  for (std::int64_t item = 0; item < 4; ++item) {
    const at::Tensor alone =
        models::group_norm(x.narrow(0, item, 1), weight, weight, {.silu = true});
    EXPECT_TRUE(at::equal(alone, together.narrow(0, item, 1)));
  }
}

TEST_F(CudaKernelsTest, GegluRoundsTheResultOfFloat32Once) {
  at::manual_seed(4);
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    for (const std::vector<std::int64_t>& shape :
         {std::vector<std::int64_t>{2, 77, 2560}, {1, 4096, 5120}, {3, 16}, {1, 1, 10240}}) {
      const at::Tensor projected = (at::randn(shape) * 3).to(type);
      const at::Tensor result = models::geglu(projected.to(at::kCUDA));
      EXPECT_LE(worst(result, models::plain_geglu(projected.to(at::kFloat)), type), 1.0)
          << projected.sizes();
    }
  }
}

TEST(GegluOperator, IsLibTorchsOnTheCpu) {
  at::manual_seed(5);
  const at::Tensor projected = at::randn({2, 3, 8});
  EXPECT_TRUE(at::equal(models::geglu(projected), models::plain_geglu(projected)));
}

TEST(GroupNormOperator, IsLibTorchsOnTheCpu) {
  at::manual_seed(3);
  const at::Tensor x = at::randn({2, 64, 5, 4});
  const at::Tensor weight = at::randn({64});
  const at::Tensor bias = at::randn({64});
  const at::Tensor expected = at::group_norm(x, 32, weight, bias, kEps);
  EXPECT_TRUE(at::equal(models::group_norm(x, weight, bias, {.eps = kEps}), expected));
  EXPECT_TRUE(at::equal(models::group_norm(x, weight, bias, {.eps = kEps, .silu = true}),
                        at::silu(expected)));
}

}  // namespace
}  // namespace tandem::worker

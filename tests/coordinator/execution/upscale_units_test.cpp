#include "coordinator/execution/upscale_units.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "protocol/error.hpp"
#include "tests/coordinator/execution/fake_units.hpp"

namespace tandem::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kScale = 2;

at::Tensor enlarged(const at::Tensor& image) {
  return image.repeat_interleave(kScale, 1).repeat_interleave(kScale, 2);
}

// Workers with room for tiles up to this side.
FakeUnits workers(std::int64_t room) {
  return FakeUnits([room](TensorArena& arena, const UnitTask& task) {
    const auto& unit = std::get<UpscaleTile>(task.unit);
    const at::Tensor tile =
        read_result(unit.image, task.inputs.empty() ? nullptr : task.inputs[0].get());
    if (tile.size(1) > room || tile.size(2) > room) {
      throw Error(ErrorCode::kOutOfMemory, "no memory for the tile");
    }
    SharedTensor result = share(arena, enlarged(tile));
    return UnitOutcome{UpscaleTileResult{result.handle}, result.block, "w0", 0.0};
  });
}

AcceptedJob upscale_job(int tile, int overlap) {
  AcceptedJob job;
  job.job.upscale = job::Upscale{{}, tile, overlap};
  job.upscale = NamedModel{ModelId{7}, {}};
  job.upscale->info.upscale = kScale;
  return job;
}

TEST(UpscaleUnits, TilesBecomeTheWholePicture) {
  const at::Tensor image = at::rand({2, 40, 50, 3});
  FakeUnits units = workers(16);
  NotedProgress progress;
  const at::Tensor large = upscale_image(upscale_job(16, 4), units, progress, image);
  EXPECT_TRUE(at::allclose(large, enlarged(image), 1e-6, 1e-6));
  EXPECT_EQ(units.units, 2 * 3 * 4);
  EXPECT_THAT(progress.codes, IsEmpty());
}

TEST(UpscaleUnits, ValuesStayBetweenZeroAndOne) {
  FakeUnits units = workers(64);
  NotedProgress progress;
  const at::Tensor image = at::full({1, 8, 8, 3}, 1.5F);
  EXPECT_EQ(upscale_image(upscale_job(16, 4), units, progress, image).max().item<float>(), 1.0F);
}

TEST(UpscaleUnits, ATileThatDoesNotFitIsHalvedAndSaidSo) {
  const at::Tensor image = at::rand({1, 300, 300, 3});
  FakeUnits units = workers(128);
  NotedProgress progress;
  const at::Tensor large = upscale_image(upscale_job(512, 32), units, progress, image);
  EXPECT_TRUE(at::allclose(large, enlarged(image), 1e-6, 1e-6));
  EXPECT_THAT(progress.codes, ElementsAre("tile_halved", "tile_halved"));
  EXPECT_THAT(progress.messages, ElementsAre(HasSubstr("256 pixels"), HasSubstr("128 pixels")));
}

TEST(UpscaleUnits, NoTileIsHalvedBelow128OrToItsOverlap) {
  const at::Tensor image = at::rand({1, 300, 300, 3});
  NotedProgress progress;
  const auto code_of = [&](int tile, int overlap) {
    FakeUnits units = workers(8);
    try {
      upscale_image(upscale_job(tile, overlap), units, progress, image);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of(128, 8), ErrorCode::kOutOfMemory);
  EXPECT_EQ(code_of(256, 128), ErrorCode::kOutOfMemory);
  EXPECT_THAT(progress.codes, IsEmpty());
}

TEST(UpscaleUnits, OtherFailuresPassThrough) {
  FakeUnits units([](TensorArena&, const UnitTask&) -> UnitOutcome {
    throw Error(ErrorCode::kWorkerLost, "gone");
  });
  NotedProgress progress;
  EXPECT_THROW(upscale_image(upscale_job(512, 32), units, progress, at::rand({1, 600, 8, 3})),
               Error);
  EXPECT_THAT(progress.codes, IsEmpty());
}

TEST(UpscaleUnits, AResultTooLargeIsRefusedBeforeAnythingRuns) {
  FakeUnits units = workers(1 << 20);
  NotedProgress progress;
  AcceptedJob job = upscale_job(16384, 32);
  job.upscale->info.upscale = 1024;
  try {
    upscale_image(job, units, progress, at::zeros({1, 64, 64, 3}));
    FAIL() << "was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
  }
  EXPECT_EQ(units.units, 0);
}

}  // namespace
}  // namespace tandem::coordinator

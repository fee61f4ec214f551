#include "coordinator/execution/vae_units.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "protocol/error.hpp"
#include "tests/coordinator/execution/fake_units.hpp"

namespace tandem::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

at::Tensor decoded(const at::Tensor& latent) {
  return latent.narrow(1, 0, 3).repeat_interleave(8, 2).repeat_interleave(8, 3).permute(
      {0, 2, 3, 1});
}

at::Tensor encoded(const at::Tensor& image) {
  return at::avg_pool2d(image.permute({0, 3, 1, 2}), 8).mean(1, true).repeat({1, 4, 1, 1});
}

UnitOutcome outcome(TensorArena& arena, const at::Tensor& tensor, bool is_image) {
  SharedTensor result = share(arena, tensor);
  UnitResult value = DecodeLatentResult{result.handle};
  if (!is_image) value = EncodeImageResult{result.handle};
  return {std::move(value), result.block, "w0", 0.0};
}

// Workers whose memory ends at `room` latent cells or pixels.
FakeUnits workers(std::int64_t room) {
  return FakeUnits([room](TensorArena& arena, const UnitTask& task) {
    const ArenaBlock* block = task.inputs.empty() ? nullptr : task.inputs[0].get();
    const auto* decode = std::get_if<DecodeLatent>(&task.unit);
    const at::Tensor input =
        read_result(decode ? decode->latent : std::get<EncodeImage>(task.unit).image, block);
    if (input.numel() > room) throw Error(ErrorCode::kOutOfMemory, "no memory");
    if (decode == nullptr) return outcome(arena, encoded(input), false);
    const at::Tensor image = decoded(input);
    return outcome(arena, decode->is_tile ? image : ((image + 1) / 2).clamp(0, 1), true);
  });
}

constexpr std::int64_t kPlenty = 1 << 30;

AcceptedJob vae_job() {
  AcceptedJob job;
  job.info.has_vae = true;
  return job;
}

TEST(VaeUnits, ASplitBatchIsAUnitForEachItem) {
  AcceptedJob job = vae_job();
  NotedProgress progress;
  FakeUnits units = workers(kPlenty);
  const at::Tensor latent = at::randn({3, 4, 6, 5});
  const at::Tensor image = at::rand({3, 24, 16, 3});
  const at::Tensor decoded_whole = decode_latent(job, units, progress, latent);
  const at::Tensor encoded_whole = encode_image(job, units, progress, image);
  EXPECT_EQ(units.units, 2);
  job.job.workers.split_batch = true;
  EXPECT_TRUE(at::equal(decode_latent(job, units, progress, latent), decoded_whole));
  EXPECT_TRUE(at::equal(encode_image(job, units, progress, image), encoded_whole));
  EXPECT_EQ(units.units, 2 + 3 + 3);
}

TEST(VaeUnits, TiledOrNotTheSameComesOfANetworkThatSeesOneCell) {
  const at::Tensor latent = at::randn({2, 4, 20, 14});
  AcceptedJob job = vae_job();
  NotedProgress progress;
  FakeUnits units = workers(kPlenty);
  const at::Tensor whole = decode_latent(job, units, progress, latent);
  EXPECT_EQ(units.units, 1);
  job.job.vae.decode_tiled = job::Tiling{8, 8, 2};
  const at::Tensor tiled = decode_latent(job, units, progress, latent);
  EXPECT_GT(units.units, 20);
  EXPECT_EQ(tiled.sizes().vec(), (std::vector<std::int64_t>{2, 160, 112, 3}));
  EXPECT_TRUE(at::allclose(tiled, whole, 1e-5, 1e-6));
}

TEST(VaeUnits, EncodingCutsTheMiddleInTilesToo) {
  const at::Tensor image = at::rand({1, 133, 97, 3});
  AcceptedJob job = vae_job();
  job.job.vae.encode_tiled = job::Tiling{64, 64, 16};
  NotedProgress progress;
  FakeUnits units = workers(kPlenty);
  const at::Tensor latent = encode_image(job, units, progress, image);
  const at::Tensor cropped = image.narrow(1, 2, 128).narrow(2, 0, 96);
  EXPECT_TRUE(at::allclose(latent, encoded(cropped), 1e-5, 1e-6));
}

TEST(VaeUnits, WithoutMemoryForTheWholeItIsDoneInTiles) {
  const at::Tensor latent = at::randn({1, 4, 80, 80});
  NotedProgress progress;
  FakeUnits small = workers(4 * 64 * 64);
  FakeUnits large = workers(kPlenty);
  const at::Tensor tiled = decode_latent(vae_job(), small, progress, latent);
  EXPECT_TRUE(at::allclose(tiled, decode_latent(vae_job(), large, progress, latent), 1e-5, 1e-6));
  EXPECT_THAT(progress.codes, ElementsAre("vae_tiled"));
}

TEST(VaeUnits, TilesThatAreAskedForAreNotChanged) {
  AcceptedJob job = vae_job();
  job.job.vae.decode_tiled = job::Tiling{32, 32, 4};
  NotedProgress progress;
  FakeUnits units = workers(16);
  EXPECT_THROW(decode_latent(job, units, progress, at::randn({1, 4, 80, 80})), Error);
  EXPECT_THAT(progress.codes, IsEmpty());
}

TEST(VaeUnits, TilesToEncodeFallOnWholeCells) {
  const auto path_of = [](const job::Tiling& tiling) -> std::string {
    AcceptedJob job = vae_job();
    job.job.vae.encode_tiled = tiling;
    try {
      check_tilings(job);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
      return error.failure().path;
    }
    return "";
  };
  EXPECT_EQ(path_of({64, 48, 16}), "");
  EXPECT_EQ(path_of({40, 64, 16}), "vae.encode_tiled.tile_x") << "half of it is 2.5 cells";
  EXPECT_EQ(path_of({64, 60, 16}), "vae.encode_tiled.tile_y");
  EXPECT_EQ(path_of({64, 64, 12}), "vae.encode_tiled.overlap");
}

}  // namespace
}  // namespace tandem::coordinator

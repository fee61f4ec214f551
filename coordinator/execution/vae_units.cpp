#include "coordinator/execution/vae_units.hpp"

#include <utility>

#include <ATen/ATen.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "coordinator/execution/tiled_units.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kColours = 3;
// ComfyUI's where it falls back to tiles by itself.
constexpr job::Tiling kFallbackDecode{64, 64, 16};
constexpr job::Tiling kFallbackEncode{512, 512, 64};

enum class Order { kSlimFirst, kSquareFirst };

// ComfyUI's three: the tile, one half as wide and twice as high, one twice as wide and half as
// high. Their order decides the last bit of the sum.
std::vector<TileSize> three_tilings(const job::Tiling& tile, Order order) {
  const std::int64_t x = tile.tile_x;
  const std::int64_t y = tile.tile_y;
  const TileSize square = {y, x, tile.overlap};
  const TileSize slim = {y * 2, x / 2, tile.overlap};
  const TileSize flat = {y / 2, x * 2, tile.overlap};
  if (order == Order::kSlimFirst) return {slim, flat, square};
  return {square, flat, slim};
}

at::Tensor decode_tiled(const AcceptedJob& job, UnitExecutor& units, const at::Tensor& latent,
                        const job::Tiling& tiling) {
  const TileSplitter splitter(latent.sizes(), three_tilings(tiling, Order::kSlimFirst),
                              {job.info.latent.downscale, 1}, kColours);
  const at::Tensor pixels = run_tiles(units, job.model, kDecodeTile, latent, splitter);
  return ((pixels + 1.0) / 2.0).clamp(0.0, 1.0).movedim(1, -1).contiguous();
}

// The middle of a side, cut to a multiple of `step`.
at::Tensor crop(const at::Tensor& image, std::int64_t dim, std::int64_t step) {
  const std::int64_t surplus = image.size(dim) % step;
  return image.narrow(dim, surplus / 2, image.size(dim) - surplus);
}

at::Tensor encode_tiled(const AcceptedJob& job, UnitExecutor& units, const at::Tensor& image,
                        const job::Tiling& tiling) {
  const LatentFormat& format = job.info.latent;
  const at::Tensor pixels =
      crop(crop(image, 1, format.downscale), 2, format.downscale).movedim(-1, 1);
  const TileSplitter splitter(pixels.sizes(), three_tilings(tiling, Order::kSquareFirst),
                              {1, format.downscale}, format.channels);
  return run_tiles(units, job.model, kEncodeTile, pixels, splitter);
}

UnitTask task_of(Unit unit, SharedTensor input, std::int64_t elements) {
  UnitTask task;
  task.unit = std::move(unit);
  if (input.block) task.inputs.push_back(std::move(input.block));
  task.output_bytes = static_cast<std::size_t>(elements) * sizeof(float);
  return task;
}

// What is one unit: the batch, or each item of it.
std::vector<at::Tensor> parts_of(const AcceptedJob& job, const at::Tensor& batch) {
  if (!job.job.workers.split_batch) return {batch};
  return batch.split(1);
}

at::Tensor decode_whole(const AcceptedJob& job, UnitExecutor& units, const at::Tensor& latent) {
  const std::int64_t side = job.info.latent.downscale;
  std::vector<UnitTask> tasks;
  for (const at::Tensor& part : parts_of(job, latent)) {
    SharedTensor shared = share(units.inputs(), part);
    Unit unit = DecodeLatent{job.model, shared.handle};
    tasks.push_back(task_of(std::move(unit), std::move(shared),
                            part.size(0) * part.size(2) * side * part.size(3) * side * kColours));
  }
  std::vector<at::Tensor> images;
  for (const UnitOutcome& outcome : units.run(std::move(tasks)))
    images.push_back(
        read_result(std::get<DecodeLatentResult>(outcome.result).image, outcome.output.get()));
  return images.size() == 1 ? images.front() : at::cat(images);
}

at::Tensor encode_whole(const AcceptedJob& job, UnitExecutor& units, const at::Tensor& image) {
  const LatentFormat& format = job.info.latent;
  std::vector<UnitTask> tasks;
  for (const at::Tensor& part : parts_of(job, image)) {
    SharedTensor shared = share(units.inputs(), part);
    Unit unit = EncodeImage{job.model, shared.handle};
    tasks.push_back(task_of(std::move(unit), std::move(shared),
                            part.size(0) * format.channels * (part.size(1) / format.downscale) *
                                (part.size(2) / format.downscale)));
  }
  std::vector<at::Tensor> latents;
  for (const UnitOutcome& outcome : units.run(std::move(tasks)))
    latents.push_back(
        read_result(std::get<EncodeImageResult>(outcome.result).latent, outcome.output.get()));
  return latents.size() == 1 ? latents.front() : at::cat(latents);
}

// `whole`, or, where that does not fit, `tiled`.
template <class Whole, class Tiled>
at::Tensor whole_or_tiled(JobProgress& progress, const char* doing, Whole whole, Tiled tiled) {
  try {
    return whole();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kOutOfMemory) throw;
  }
  progress.warning("vae_tiled", std::string("There was not enough memory for ") + doing +
                                    " in one piece; it is done in tiles.");
  return tiled();
}

void check_multiple(int found, std::int64_t step, const std::string& path) {
  if (found % step == 0) return;
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected a multiple of " + std::to_string(step) + ", found " +
                  std::to_string(found) + ".",
              "Tiles and their halves have to fall on whole cells of the latent.", path);
}

}  // namespace

at::Tensor decode_latent(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress,
                         const at::Tensor& latent) {
  const auto& tiling = job.job.vae.decode_tiled;
  if (tiling) return decode_tiled(job, units, latent, *tiling);
  return whole_or_tiled(
      progress, "decoding", [&] { return decode_whole(job, units, latent); },
      [&] { return decode_tiled(job, units, latent, kFallbackDecode); });
}

at::Tensor encode_image(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress,
                        const at::Tensor& image) {
  const auto& tiling = job.job.vae.encode_tiled;
  if (tiling) return encode_tiled(job, units, image, *tiling);
  return whole_or_tiled(
      progress, "encoding", [&] { return encode_whole(job, units, image); },
      [&] { return encode_tiled(job, units, image, kFallbackEncode); });
}

void check_tilings(const AcceptedJob& job) {
  const auto& tiling = job.job.vae.encode_tiled;
  if (!tiling || !job.info.has_vae) return;
  const std::int64_t cell = job.info.latent.downscale;
  check_multiple(tiling->tile_x, 2 * cell, "vae.encode_tiled.tile_x");
  check_multiple(tiling->tile_y, 2 * cell, "vae.encode_tiled.tile_y");
  check_multiple(tiling->overlap, cell, "vae.encode_tiled.overlap");
}

}  // namespace tandem::coordinator

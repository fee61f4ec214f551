#include "coordinator/execution/upscale_units.hpp"

#include <ATen/ATen.h>

#include "coordinator/execution/tiled_units.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kColours = 3;
constexpr int kSmallestHalf = 128;

}  // namespace

at::Tensor upscale_image(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress,
                         const at::Tensor& image) {
  const job::Upscale& options = *job.job.upscale;
  const NamedModel& upscaler = *job.upscale;
  const at::Tensor pixels = image.movedim(-1, 1);
  int tile = options.tile;
  while (true) {
    const TileSplitter splitter(pixels.sizes(), {{tile, tile, options.overlap}},
                                {upscaler.info.upscale, 1}, kColours);
    try {
      const at::Tensor large = run_tiles(units, upscaler.model, kUpscaleTile, pixels, splitter);
      return large.clamp(0.0, 1.0).movedim(1, -1).contiguous();
    } catch (const Error& error) {
      tile /= 2;
      const bool can_be_halved = tile >= kSmallestHalf && tile > options.overlap;
      if (error.code() != ErrorCode::kOutOfMemory || !can_be_halved) throw;
    }
    progress.warning("tile_halved",
                     "A tile did not fit in memory: upscaling begins again with "
                     "tiles of " +
                         std::to_string(tile) + " pixels.");
  }
}

}  // namespace tandem::coordinator

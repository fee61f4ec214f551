// Tiles of a picture or latent as units on the workers.
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/dispatch/unit_executor.hpp"
#include "coordinator/units/tile_splitter.hpp"
#include "protocol/ids.hpp"

namespace tandem::coordinator {

// What becomes of a tile. Pictures travel as (1, height, width, 3), latents as (1, channels,
// height, width).
struct TileKind {
  Unit (*make)(ModelId model, TensorHandle tile);
  const TensorHandle& (*result)(const UnitResult& result);
  bool takes_picture, gives_picture;
};

extern const TileKind kDecodeTile;   // latent to picture, not clamped
extern const TileKind kEncodeTile;   // picture to latent
extern const TileKind kUpscaleTile;  // picture to picture

// Runs the splitter's tiles of input, (batch, channels, height, width) float32, and merges them in
// the order of their keys: the same bits on any number of workers. Results wait for their turn only
// up to a limit of memory. Throws what UnitExecutor::run throws; kResourceExhausted for a result
// above 4 GiB.
at::Tensor run_tiles(UnitExecutor& units, ModelId model, const TileKind& kind,
                     const at::Tensor& input, const TileSplitter& splitter);

}  // namespace tandem::coordinator

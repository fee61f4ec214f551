// A picture or latent in overlapping tiles, and their results as one (ComfyUI's tiled_scale).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// How the input is cut, in its own cells. The overlap is less than both sides, or the input fits.
struct TileSize {
  std::int64_t height = 0, width = 0, overlap = 0;
};

// Cells of the result to one of the input: up / down. Sides, tiles and overlaps must be multiples
// of down.
struct TileScale {
  std::int64_t up = 1, down = 1;

  std::int64_t operator()(std::int64_t cells) const { return cells * up / down; }
};

// One work unit. Its members are its key: tiles are merged in the order of their keys.
struct Tile {
  std::size_t tiling = 0;
  std::int64_t item = 0;  // of the batch
  std::int64_t y = 0, x = 0, height = 0, width = 0;

  auto operator<=>(const Tile&) const = default;
};

// Pure: no call of it changes it. Several tilings of the same input are averaged, so that the seams
// of one lie in the middle of another's tiles.
class TileSplitter {
 public:
  // input: (batch, channels, height, width); a tile's result has `channels` of its own.
  TileSplitter(at::IntArrayRef input, std::vector<TileSize> tilings, TileScale scale,
               std::int64_t channels);

  // In the order of their keys. An input that fits in a tile is one tile of its size.
  const std::vector<Tile>& tiles() const { return tiles_; }
  // A view of the input: (1, channels, height, width).
  static at::Tensor cut(const at::Tensor& input, const Tile& tile);

  std::vector<std::int64_t> result_shape() const;
  std::vector<std::int64_t> result_shape(const Tile& tile) const;
  // How much each cell of the tile's result counts, (1, 1, height, width) float32: ramps of
  // (i + 1) / overlap at every edge, the picture's own included; ones where the input is one tile.
  at::Tensor weights(const Tile& tile) const;

  std::size_t tilings() const { return tilings_.size(); }
  const TileScale& scale() const { return scale_; }

 private:
  bool fits(const TileSize& size) const;

  std::int64_t batch_, height_, width_;
  std::vector<TileSize> tilings_;
  TileScale scale_;
  std::int64_t channels_;
  std::vector<Tile> tiles_;
};

// Blends results as they come in: sum(weight * result) / sum(weight) for each tiling, then the mean
// of the tilings. Holds one tiling at a time. The same results give the same bits.
class TileMerger {
 public:
  // The splitter must outlive it.
  explicit TileMerger(const TileSplitter& splitter);

  // The result of the next tile, in the order of splitter.tiles(): of result_shape(tile), float32,
  // on the CPU. Throws Error(kInternal) for another shape, or one tile too many.
  void add(const at::Tensor& result);
  // (batch, channels, height, width) float32, once all tiles were added; kInternal before.
  at::Tensor take();

 private:
  void end_tiling();

  const TileSplitter& splitter_;
  std::size_t next_ = 0;
  at::Tensor sum_, weights_;  // of the tiling that is being added
  at::Tensor total_;          // of those before it
};

}  // namespace tandem::coordinator

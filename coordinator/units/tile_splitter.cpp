#include "coordinator/units/tile_splitter.hpp"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/shapes.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

std::vector<std::int64_t> positions(std::int64_t side, std::int64_t tile, std::int64_t overlap) {
  if (side <= tile) return {0};
  std::vector<std::int64_t> positions;
  for (std::int64_t at = 0; at < side - overlap; at += tile - overlap)
    positions.push_back(at);
  return positions;
}

// A side of the result; a ramp as long as the side or longer is left out.
at::Tensor ramps(std::int64_t side, std::int64_t feather) {
  at::Tensor weights = at::ones({side}, at::kFloat);
  if (feather >= side) return weights;
  auto* values = weights.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < feather; ++i) {
    const auto weight =
        static_cast<float>(static_cast<double>(i + 1) / static_cast<double>(feather));
    values[i] *= weight;
    values[side - 1 - i] *= weight;
  }
  return weights;
}

at::Tensor place_of(const at::Tensor& result, const Tile& tile, const TileScale& scale) {
  return result.narrow(2, scale(tile.y), scale(tile.height))
      .narrow(3, scale(tile.x), scale(tile.width));
}

}  // namespace

TileSplitter::TileSplitter(at::IntArrayRef input, std::vector<TileSize> tilings, TileScale scale,
                           std::int64_t channels)
    : batch_(input[0]),
      height_(input[2]),
      width_(input[3]),
      tilings_(std::move(tilings)),
      scale_(scale),
      channels_(channels) {
  for (std::size_t tiling = 0; tiling < tilings_.size(); ++tiling) {
    const TileSize& size = tilings_[tiling];
    const auto rows = positions(height_, size.height, size.overlap);
    const auto columns = positions(width_, size.width, size.overlap);
    for (std::int64_t item = 0; item < batch_; ++item) {
      for (const std::int64_t y : rows) {
        for (const std::int64_t x : columns) {
          tiles_.push_back({tiling, item, y, x, std::min(size.height, height_ - y),
                            std::min(size.width, width_ - x)});
        }
      }
    }
  }
}

bool TileSplitter::fits(const TileSize& size) const {
  return height_ <= size.height && width_ <= size.width;
}

at::Tensor TileSplitter::cut(const at::Tensor& input, const Tile& tile) {
  return input.narrow(0, tile.item, 1).narrow(2, tile.y, tile.height).narrow(3, tile.x, tile.width);
}

std::vector<std::int64_t> TileSplitter::result_shape() const {
  return {batch_, channels_, scale_(height_), scale_(width_)};
}

std::vector<std::int64_t> TileSplitter::result_shape(const Tile& tile) const {
  return {1, channels_, scale_(tile.height), scale_(tile.width)};
}

at::Tensor TileSplitter::weights(const Tile& tile) const {
  const TileSize& size = tilings_[tile.tiling];
  const std::int64_t feather = fits(size) ? 0 : scale_(size.overlap);
  const at::Tensor rows = ramps(scale_(tile.height), feather);
  const at::Tensor columns = ramps(scale_(tile.width), feather);
  return (rows.unsqueeze(1) * columns.unsqueeze(0)).unsqueeze(0).unsqueeze(0);
}

TileMerger::TileMerger(const TileSplitter& splitter) : splitter_(splitter) {}

void TileMerger::add(const at::Tensor& result) {
  const auto& tiles = splitter_.tiles();
  if (next_ >= tiles.size()) throw Error(ErrorCode::kInternal, "A tile too many came back.");
  const Tile& tile = tiles[next_];
  const auto expected = splitter_.result_shape(tile);
  if (result.sizes() != at::IntArrayRef(expected)) {
    throw Error(ErrorCode::kInternal, "A tile should return " + shape_text(expected) +
                                          ", it returned " + shape_text(result.sizes()) + ".");
  }
  const auto whole = splitter_.result_shape();
  if (!sum_.defined()) {
    sum_ = at::zeros(whole, at::kFloat);
    weights_ = at::zeros({1, 1, whole[2], whole[3]}, at::kFloat);
  }
  const at::Tensor weights = splitter_.weights(tile);
  place_of(sum_.narrow(0, tile.item, 1), tile, splitter_.scale()).add_(result * weights);
  // Each item of the batch is cut alike.
  if (tile.item == 0) place_of(weights_, tile, splitter_.scale()).add_(weights);
  ++next_;
  if (next_ == tiles.size() || tiles[next_].tiling != tile.tiling) end_tiling();
}

void TileMerger::end_tiling() {
  sum_ /= weights_;
  if (total_.defined()) {
    total_ += sum_;
  } else {
    total_ = std::move(sum_);
  }
  sum_ = at::Tensor();
}

at::Tensor TileMerger::take() {
  if (next_ < splitter_.tiles().size()) {
    throw Error(ErrorCode::kInternal, "Not all tiles came back.");
  }
  if (splitter_.tilings() > 1) total_ /= static_cast<double>(splitter_.tilings());
  return std::move(total_);
}

}  // namespace tandem::coordinator

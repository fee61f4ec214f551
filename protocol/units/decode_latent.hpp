// Unit kind: latent to image.
#pragma once

#include "protocol/ids.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct DecodeLatent {
  ModelId model;
  TensorHandle latent;  // (batch, channels, height, width) float32, as a user sees it
  // A tile's pixels are blended with its neighbours' first: they stay as the network gives them,
  // about -1 to 1 and not clamped.
  bool is_tile = false;

  bool operator==(const DecodeLatent&) const = default;
};

struct DecodeLatentResult {
  TensorHandle image;  // (batch, height, width, 3) float32, 0 to 1 unless it is a tile

  bool operator==(const DecodeLatentResult&) const = default;
};

}  // namespace tandem

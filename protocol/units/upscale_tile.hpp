// Unit kind: a picture, or a tile of it, to a larger one.
#pragma once

#include "protocol/ids.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct UpscaleTile {
  ModelId model;
  TensorHandle image;  // (batch, height, width, 3) float32, 0 to 1

  bool operator==(const UpscaleTile&) const = default;
};

struct UpscaleTileResult {
  TensorHandle image;  // (batch, scale * height, scale * width, 3) float32, 0 to 1

  bool operator==(const UpscaleTileResult&) const = default;
};

}  // namespace tandem

// Unit kind: latent to image.
#pragma once

#include "protocol/ids.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct DecodeLatent {
  ModelId model;
  TensorHandle latent;  // (batch, channels, height, width) float32, as a user sees it

  bool operator==(const DecodeLatent&) const = default;
};

struct DecodeLatentResult {
  TensorHandle image;  // (batch, height, width, 3) float32, 0 to 1

  bool operator==(const DecodeLatentResult&) const = default;
};

}  // namespace tandem

// Unit kind: image to latent.
#pragma once

#include "protocol/ids.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct EncodeImage {
  ModelId model;
  TensorHandle image;  // (batch, height, width, 3) float32, 0 to 1

  bool operator==(const EncodeImage&) const = default;
};

struct EncodeImageResult {
  TensorHandle latent;  // (batch, channels, height / 8, width / 8) float32, as a user sees it

  bool operator==(const EncodeImageResult&) const = default;
};

}  // namespace tandem

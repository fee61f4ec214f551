// Upscale models of a few layers, made for tests.
#pragma once

#include <vector>

#include "models/upscale/rrdb_config.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// One block of 3 filters that each convolution of a dense block widens by 2.
inline RrdbConfig tiny_rrdb(RrdbNaming naming, std::int64_t upsamples, std::int64_t unshuffle = 1) {
  return {naming, 3, 1, 2, upsamples, unshuffle};
}

// Names and shapes of its tensors, fp32.
inline std::vector<NamedLayout> rrdb_layouts(const RrdbConfig& config) {
  std::vector<NamedLayout> tensors;
  for (const RrdbLayer& layer : rrdb_layers(config)) {
    tensors.emplace_back(layer.name + ".weight",
                         TensorLayout{DType::kF32, {layer.out, layer.in, 3, 3}});
    tensors.emplace_back(layer.name + ".bias", TensorLayout{DType::kF32, {layer.out}});
  }
  return tensors;
}

}  // namespace tandem::models

// How a family's latents look, roughly: a linear map of their channels to red, green and blue.
#pragma once

#include <array>
#include <vector>

namespace tandem::models {

// Colours from -1 to 1 of a latent in the sampler's space: channels times factors, plus bias. No
// factors: none are known.
struct LatentColours {
  std::vector<std::array<float, 3>> factors;  // one row per channel
  std::array<float, 3> bias = {};
};

// The numbers are those of ComfyUI's latent_formats.
inline LatentColours sd15_colours() {
  return {.factors = {{0.3512F, 0.2297F, 0.3227F},
                      {0.3250F, 0.4974F, 0.2350F},
                      {-0.2829F, 0.1762F, 0.2721F},
                      {-0.2120F, -0.2616F, -0.7177F}},
          .bias = {}};
}

inline LatentColours sdxl_colours() {
  return {.factors = {{0.3651F, 0.4232F, 0.4341F},
                      {-0.2533F, -0.0042F, 0.1068F},
                      {0.1076F, 0.1111F, -0.0362F},
                      {-0.3165F, -0.2492F, -0.2188F}},
          .bias = {0.1084F, -0.0175F, -0.0011F}};
}

}  // namespace tandem::models

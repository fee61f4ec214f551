// What the coordinator must know of a model to sample with it; found from the checkpoint's header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/model_spec.hpp"

namespace tandem {

// How the network's output relates to the noise (ComfyUI's ModelSampling).
enum class Parameterization : std::uint8_t { kEps, kVPrediction, kX0, kLcm, kFlow };

// "eps", "v_prediction", "x0", "lcm", "flow": the names of the job format.
const char* name(Parameterization parameterization);

// How the betas of a discrete family rise: evenly in their square root (ComfyUI's "linear"), or
// evenly themselves ("sqrt_linear").
enum class Betas : std::uint8_t { kScaledLinear, kLinear };

// The sigmas that a model was trained with.
struct SigmaParameters {
  Parameterization parameterization = Parameterization::kEps;
  // Discrete families.
  double linear_start = 0.00085;
  double linear_end = 0.012;
  int timesteps = 1000;
  bool zsnr = false;
  // Flow families.
  double shift = 1.0;
  double multiplier = 1000.0;
  Betas betas = Betas::kScaledLinear;

  bool operator==(const SigmaParameters&) const = default;
};

// sampler space = (latent as a user sees it - shift) * scale.
struct LatentFormat {
  int channels = 4;
  int downscale = 8;  // pixels per latent cell
  double scale = 0.18215;
  double shift = 0.0;

  bool operator==(const LatentFormat&) const = default;
};

// One text encoder of the model, in the order in which their outputs are joined.
struct TextEncoderInfo {
  std::string name;  // "l", "g", "h": the sections of the job format
  int width = 0;

  bool operator==(const TextEncoderInfo&) const = default;
};

// How many numbers the weights of each part are, all files together.
struct PartSizes {
  std::uint64_t unet = 0;
  std::uint64_t text = 0;
  std::uint64_t vae = 0;
  std::uint64_t upscale = 0;

  std::uint64_t of(ModelPart part) const {
    switch (part) {
      case ModelPart::kUnet:
        return unet;
      case ModelPart::kText:
        return text;
      case ModelPart::kVae:
        return vae;
      case ModelPart::kUpscale:
        break;
    }
    return upscale;
  }

  bool operator==(const PartSizes&) const = default;
};

struct ModelInfo {
  std::string family;  // row of models/families: "sd15", "sd20", "sdxl"; empty for a VAE or an
                       // upscale model alone
  std::string display_name;  // for messages: "Stable Diffusion 1.x"
  SigmaParameters sigmas;
  LatentFormat latent;
  int unet_in_channels = 4;  // 9 for inpainting models
  int context_width = 0;     // width of a cond's tokens
  int pooled_width = 0;      // 0 where the family takes no pooled vector
  int motion_frames = 0;     // that motion modules can tell apart; 0: there are none
  bool has_unet = false;
  bool has_vae = false;
  int upscale = 0;  // pixels of a side that the upscale model makes of one; 0: there is none
  std::vector<TextEncoderInfo> text_encoders;  // empty: the file brings none
  std::string weight_dtype;  // "fp16", "bf16", "fp32": what most of the UNet is stored as
  std::uint64_t bytes = 0;   // of the weights, all files
  PartSizes sizes;

  bool operator==(const ModelInfo&) const = default;
};

}  // namespace tandem

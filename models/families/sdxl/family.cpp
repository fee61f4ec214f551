#include "models/families/sdxl/family.hpp"

namespace tandem::models {
namespace {

constexpr ClipConfig kOpenClipG = {.hidden_size = 1280,
                                   .intermediate_size = 5120,
                                   .num_hidden_layers = 32,
                                   .num_attention_heads = 20,
                                   .hidden_act = ClipActivation::kGelu,
                                   .layout = ClipLayout::kOpenClip};

bool matches(const UNetConfig& unet) {
  // The depths tell the base model from the distilled ones of the same widths.
  return unet.model_channels == 320 && unet.context_dim == 2048 && unet.adm_in_channels == 2816 &&
         unet.use_linear_in_transformer &&
         unet.transformer_depth == std::vector<std::int64_t>{0, 0, 2, 2, 10, 10};
}

// Fine-tunes for velocity say so by empty tensors of these names.
SigmaParameters sigmas(const HeaderFile& file, const std::string&) {
  SigmaParameters sigmas;
  if (file.header().find("v_pred") == nullptr) return sigmas;
  sigmas.parameterization = Parameterization::kVPrediction;
  sigmas.zsnr = file.header().find("ztsnr") != nullptr;
  return sigmas;
}

}  // namespace

const Family& sdxl() {
  static const Family kFamily = {
      .name = "sdxl",
      .display_name = "Stable Diffusion XL",
      .latent = {.scale = 0.13025},
      .colours = sdxl_colours(),
      .num_head_channels = 64,
      .vector_condition = VectorCondition::kPooledAndSizes,
      .encoders = {{.section = "l",
                    .published = {},
                    .places = {{"conditioner.embedders.0.transformer."}}},
                   {.section = "g",
                    .published = kOpenClipG,
                    .places = {{"conditioner.embedders.1.model."}}}},
      .matches = matches,
      .sigmas = sigmas,
  };
  return kFamily;
}

}  // namespace tandem::models

#include "models/families/sd15/family.hpp"

namespace tandem::models {
namespace {

bool matches(const UNetConfig& unet) {
  return unet.model_channels == 320 && unet.context_dim == 768 && unet.adm_in_channels == 0 &&
         !unet.use_linear_in_transformer;
}

SigmaParameters sigmas(const HeaderFile&, const std::string&) {
  return {};
}

}  // namespace

const Family& sd15() {
  static const Family kFamily = {
      .name = "sd15",
      .display_name = "Stable Diffusion 1.x",
      .latent = {},
      .colours = sd15_colours(),
      .num_heads = 8,
      .encoders = {{.section = "l",
                    .published = {},
                    .places = {{"cond_stage_model.transformer."},
                               {"cond_stage_model.transformer.", true}}}},
      .matches = matches,
      .sigmas = sigmas,
  };
  return kFamily;
}

}  // namespace tandem::models

// What a job's model files are: family, sizes, and where each part's tensors lie. Reads headers
// only and maps nothing, so that the coordinator may look at files that it does not trust.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/families/family.hpp"
#include "models/families/motion/config.hpp"
#include "models/families/unet/config.hpp"
#include "models/text/clip_config.hpp"
#include "models/upscale/rrdb_config.hpp"
#include "models/vae/vae_config.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/model_info.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::models {

struct UNetPart {
  std::string file;
  std::string prefix;  // of its tensors' names, "model.diffusion_model." or empty
  UNetConfig config;
};

struct MotionPart {
  std::string file;
  std::string prefix;
  MotionConfig config;
};

struct EncoderPart {
  std::string section;  // "l", "g", "h"
  std::string file;
  std::string prefix;
  bool omits_text_model = false;  // the names lack "text_model."
  ClipConfig config;
};

struct VaePart {
  std::string file;
  std::string prefix;
  VaeConfig config;
};

struct UpscalePart {
  std::string file;
  RrdbConfig config;
};

struct Inspection {
  ModelInfo info;
  const Family* family = nullptr;  // nullptr without a diffusion model; never owned
  std::optional<UNetPart> unet;
  std::optional<MotionPart> motion;   // between the UNet's blocks, loaded and unloaded with it
  std::vector<EncoderPart> encoders;  // in the family's order
  std::optional<VaePart> vae;
  std::optional<UpscalePart> upscale;
  std::vector<FileStamp> files;  // each file of the spec once: checkpoint, motion modules, VAE,
                                 // encoders, upscaler
};

// Throws kMissingFile; kBadCheckpoint for damaged files and sizes that do not fit together;
// kUnknownFamily, with the model's name, for what is recognised but does not run yet; kUnsupported
// for motion modules beside a model that they are not for.
Inspection inspect_model(const ModelSpec& spec);

}  // namespace tandem::models

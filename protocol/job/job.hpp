// A job as plain values, with the defaults of docs/job-format.md. Names are the format's own.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/model_info.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::job {

// A tensor that stands beside the job: its name in the job's safetensors file.
using TensorName = std::string;

struct Lora {
  std::string file;
  double strength_model = 1.0;
  double strength_clip = 1.0;

  bool operator==(const Lora&) const = default;
};

// Where a part of the model is to run: "default", "cpu", "gpu:N", "xpu:N", "mps" ..., as written.
using DeviceName = std::string;

struct Model {
  std::string file;
  std::string vae;
  std::vector<std::string> text_encoders;
  std::string upscale;
  std::string tokenizer;
  std::vector<Lora> loras;
  std::optional<int> clip_skip;
  std::map<std::string, std::string> embeddings;
  ComputeType dtype = ComputeType::kAuto;
  ComputeType text_dtype = ComputeType::kAuto;
  ComputeType vae_dtype = ComputeType::kAuto;
  DeviceName device = "default";
  DeviceName text_device = "default";
  DeviceName vae_device = "default";

  bool operator==(const Model&) const = default;
};

struct Area {  // in latent cells
  int height = 0, width = 0, y = 0, x = 0;
  bool operator==(const Area&) const = default;
};

struct AreaPercent {  // in fractions of the latent
  double height = 1.0, width = 1.0, y = 0.0, x = 0.0;
  bool operator==(const AreaPercent&) const = default;
};

struct TextPrompt {  // {"text": ...}: the same text for every encoder
  std::string text;
  bool operator==(const TextPrompt&) const = default;
};

struct DualTextPrompt {  // {"text_g": ..., "text_l": ...}
  std::string text_g, text_l;
  bool operator==(const DualTextPrompt&) const = default;
};

struct TokenPrompt {  // {"tokens": NAME, "weights": NAME}
  TensorName tokens, weights;
  bool operator==(const TokenPrompt&) const = default;
};

struct EncodedPrompt {  // {"cond": NAME, "pooled": NAME}
  TensorName cond, pooled;
  bool operator==(const EncodedPrompt&) const = default;
};

using Prompt = std::variant<TextPrompt, DualTextPrompt, TokenPrompt, EncodedPrompt>;

struct Cond {
  Prompt prompt;
  double strength = 1.0;
  std::optional<Area> area;
  std::optional<AreaPercent> area_percent;
  std::optional<TensorName> mask;
  double mask_strength = 1.0;
  bool set_area_to_bounds = false;
  double start_percent = 0.0;
  double end_percent = 1.0;
  bool is_default = false;
  std::vector<std::string> hooks;
  bool schedule_clip = false;
  std::optional<int> width, height, crop_w, crop_h, target_width, target_height;
  std::optional<double> guidance;
  std::vector<TensorName> reference_latents;
  std::optional<TensorName> concat_latent_image, concat_mask, clip_vision;
  std::optional<int> template_end;

  bool operator==(const Cond&) const = default;
};

struct TensorLatent {  // {"tensor": NAME}
  TensorName tensor;
  bool operator==(const TensorLatent&) const = default;
};

struct EmptyLatent {  // {"width": px, "height": px, "batch": n, "frames": n}
  int width = 512, height = 512, batch = 1;
  std::optional<int> frames;
  bool operator==(const EmptyLatent&) const = default;
};

struct ImageLatent {  // {"image": NAME}: (batch, height, width, 3), 0 to 1
  TensorName image;
  bool operator==(const ImageLatent&) const = default;
};

using Latent = std::variant<TensorLatent, EmptyLatent, ImageLatent>;

enum class NoiseDevice : std::uint8_t { kDefault, kCpu, kCuda };

struct Noise {
  std::uint64_t seed = 0;
  std::optional<TensorName> tensor;
  std::optional<std::uint64_t> sampler_seed;
  NoiseDevice sampler_device = NoiseDevice::kDefault;
  std::vector<int> batch_index;

  bool operator==(const Noise&) const = default;
};

// A sampler's option as written: the registry of samplers says which it has and of what type.
using OptionValue = std::variant<bool, std::int64_t, double, std::string>;

struct Sampler {
  std::string name = "euler";
  std::string scheduler = "normal";
  int steps = 20;
  double cfg = 8.0;
  double denoise = 1.0;
  int start_step = 0;
  std::optional<int> end_step;
  bool add_noise = true;
  bool return_with_leftover_noise = false;
  std::optional<TensorName> sigmas;
  std::map<std::string, OptionValue> options;

  bool operator==(const Sampler&) const = default;
};

enum class GuiderKind : std::uint8_t { kCfg, kDualCfg, kBasic, kPerpNeg };

struct Guider {
  GuiderKind kind = GuiderKind::kCfg;
  double cfg_middle = 1.0;
  double neg_scale = 1.0;
  bool nested = false;
  double rescale = 0.0;

  bool operator==(const Guider&) const = default;
};

enum class FlowKind : std::uint8_t { kFlow, kFlux };

struct Sampling {
  std::optional<Parameterization> parameterization;
  bool zsnr = false;
  std::optional<FlowKind> kind;
  std::optional<double> shift;
  std::optional<double> multiplier;

  bool operator==(const Sampling&) const = default;
};

struct Keyframe {
  double start_percent = 0.0;
  double strength = 1.0;
  int guarantee_steps = 1;
  bool operator==(const Keyframe&) const = default;
};

struct Hook {
  std::string type;  // "weight", or a plug-in's point
  std::string file;
  double strength_model = 1.0;
  double strength_clip = 1.0;
  std::vector<Keyframe> keyframes;
  std::string plugin;
  std::string options;  // the plug-in's own JSON, as text

  bool operator==(const Hook&) const = default;
};

struct Context {
  int length = 16, overlap = 4, stride = 1;
  std::string schedule = "standard_uniform";
  std::string fuse = "pyramid";
  bool closed_loop = false;
  int dim = 2;
  bool operator==(const Context&) const = default;
};

struct Motion {
  std::string file;
  std::string beta_schedule = "autoselect";
  double scale = 1.0, effect = 1.0, start_percent = 0.0, end_percent = 1.0;
  bool operator==(const Motion&) const = default;
};

struct Tiling {
  int tile_x = 512, tile_y = 512, overlap = 64, tile_t = 64, overlap_t = 8;
  bool operator==(const Tiling&) const = default;
};

// ComfyUI's VAEDecodeTiled and VAEEncodeTiled nodes: 512 pixels, 64 frames; decoding counts latent
// cells.
inline constexpr Tiling kDecodeTiling{64, 64, 8, 16, 2};
inline constexpr Tiling kEncodeTiling{512, 512, 64, 64, 8};

struct Vae {
  std::optional<Tiling> decode_tiled, encode_tiled;
  bool operator==(const Vae&) const = default;
};

struct Upscale {
  std::optional<TensorName> image;
  int tile = 512, overlap = 32;
  bool operator==(const Upscale&) const = default;
};

struct Forward {
  TensorName x, timestep;
  std::optional<TensorName> context, y, guidance, clip_fea;
  std::optional<int> num_tokens;
  std::vector<TensorName> ref_latents;
  std::optional<std::string> ref_latents_method;
  bool operator==(const Forward&) const = default;
};

// Work of a plug-in's own kind.
struct PluginWork {
  std::string name;     // the plug-in's
  std::string kind;     // of its list
  std::string options;  // the plug-in's own JSON, as text
  std::vector<TensorName> tensors;
  bool operator==(const PluginWork&) const = default;
};

enum class Batching : std::uint8_t { kAuto, kExact };
enum class OnNan : std::uint8_t { kFail, kFp32 };

struct Workers {
  std::optional<int> max;
  std::map<std::string, double> relative_speed;
  Batching batching = Batching::kAuto;
  bool split_batch = false;
  double audit = 0.0;
  OnNan on_nan = OnNan::kFail;
  bool operator==(const Workers&) const = default;
};

// An output is off, wanted by the host alone (true), or wanted under a file name that the client
// writes.
struct Output {
  bool wanted = false;
  std::string file;  // empty: for the host only
  bool operator==(const Output&) const = default;
};

enum class ImageType : std::uint8_t { kFloat32, kUint8 };

struct Outputs {
  Output latent, image, cond, tokens, sigmas, noise, forward, windows, video, plugin;
  ImageType image_dtype = ImageType::kFloat32;
  double fps = 16.0;
  bool operator==(const Outputs&) const = default;
};

struct Job {
  Model model;
  std::vector<Cond> positive, negative, middle;
  std::optional<Latent> latent;
  Noise noise;
  std::optional<TensorName> noise_mask;
  std::optional<Sampler> sampler;
  std::optional<TensorName> start_image, clip_vision_image;
  Guider guider;
  Sampling sampling;
  std::map<std::string, std::vector<Hook>> hooks;
  std::optional<Context> context;
  std::optional<Motion> motion;
  Vae vae;
  std::optional<Upscale> upscale;
  std::optional<Forward> forward;
  std::optional<PluginWork> plugin;
  Workers workers;
  Outputs output;

  bool operator==(const Job&) const = default;
};

}  // namespace tandem::job

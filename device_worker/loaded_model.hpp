// A model on this worker's device, as the unit handlers use it. Each kind of device brings its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weight_copies.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/latent_region.hpp"
#include "protocol/model_info.hpp"
#include "protocol/model_spec.hpp"
#include "protocol/motion_use.hpp"
#include "protocol/noise_levels.hpp"
#include "protocol/patches.hpp"
#include "protocol/units/encode_text.hpp"

namespace tandem::worker {

struct CondInput {
  at::Tensor context;  // (rows, tokens, width) float32
  at::Tensor pooled;   // (rows, width) float32; undefined where there is none
  std::optional<std::array<double, 6>> sizes = {};
  at::Tensor concat = {};  // (batch, channels, height, width) float32, of the whole latent
  at::Tensor y = {};       // (rows, width) float32 in place of pooled and sizes
};

// A cond in the form in which the model wants it; made once per job.
class ModelCond {
 public:
  virtual ~ModelCond() = default;
};

struct TextInput {
  std::vector<TextSection> sections;
  at::Tensor token_ids;      // (chunks, 77); undefined where there are sections
  at::Tensor token_weights;  // (chunks, 77)
  std::optional<int> clip_skip;
  bool want_cond = true;
  PatchSet patches;
  std::optional<std::vector<EmbeddingFile>> embeddings;  // nullopt: "embedding:" is ordinary text
};

struct TextOutput {
  at::Tensor cond;    // (1, tokens, width) float32; undefined where it was not wanted
  at::Tensor pooled;  // (1, width) float32; undefined where the family has none
  std::vector<TokenSection> tokens;
};

// Tensors come and go in CPU memory, float32. All functions throw tandem::Error.
class LoadedModel {
 public:
  virtual ~LoadedModel() = default;

  virtual const ModelInfo& info() const = 0;
  // The files that were opened, in the state in which they were.
  virtual const std::vector<FileStamp>& files() const = 0;
  // Reads the part's weights unless they are there. A device that keeps weights in this machine's
  // memory takes those that have to be converted from `copies`.
  virtual void load(ModelPart part, models::WeightCopies& copies) = 0;
  virtual void unload(ModelPart part) = 0;
  virtual std::uint64_t bytes_of(ModelPart part) const = 0;
  // Bytes of patched weights that may stay for the next unit that asks for them; 0: those in force.
  virtual void set_patch_budget(std::uint64_t bytes) = 0;

  virtual TextOutput encode_text(const TextInput& input) = 0;
  virtual std::unique_ptr<ModelCond> prepare(const CondInput& cond) = 0;
  // x: (batch, channels, height, width), what the region leaves of the latent, and sigma likewise;
  // conds are of the whole latent. motion: of the motion modules, which take the batch for frames.
  // Returns (conds, batch, channels, height, width).
  virtual at::Tensor denoise(const at::Tensor& x, const NoiseLevels& sigma,
                             std::span<const ModelCond* const> conds, const SigmaParameters& sigmas,
                             const LatentRegion& region, const PatchSet& patches,
                             const MotionUse& motion) = 0;
  virtual at::Tensor forward(const at::Tensor& x, const at::Tensor& timestep,
                             const at::Tensor& context, const at::Tensor& y,
                             const PatchSet& patches, const MotionUse& motion) = 0;
  // latent: (batch, channels, height, width). Returns (batch, height * 8, width * 8, 3), 0 to 1.
  virtual at::Tensor decode(const at::Tensor& latent) = 0;
  // The same before it is clamped, about -1 to 1: for tiles that are blended first.
  virtual at::Tensor decode_tile(const at::Tensor& latent) = 0;
  // image: (batch, height, width, 3). Returns (batch, channels, height / 8, width / 8).
  virtual at::Tensor encode(const at::Tensor& image) = 0;
  // image: (batch, height, width, 3). Returns it with both sides info().upscale times as long.
  virtual at::Tensor upscale(const at::Tensor& image) = 0;
};

}  // namespace tandem::worker

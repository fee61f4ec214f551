// Hooks around a forward pass of the diffusion model, in a worker. docs/plugins.md tells what each
// point is for and in which order they are called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <tandem/plugin_options.hpp>
#include <tandem/plugin_tensor.hpp>

namespace tandem::plugin {

// The types of hooks in a job: "object_patch", "additional_model" ...
enum class HookPoint : std::uint8_t {
  kObjectPatch,
  kAdditionalModel,
  kTransformerOptions,
  kInjection,
  kWrapper,
  kCallback
};

enum class Parameterization : std::uint8_t { kEps, kVPrediction, kX0, kLcm, kFlow };

// ComfyUI's model_sampling: how the network's output becomes a denoised image at a sigma.
struct ModelSampling {
  Parameterization parameterization = Parameterization::kEps;
  // Discrete families: scaled-linear betas.
  double linear_start = 0.00085;
  double linear_end = 0.012;
  int timesteps = 1000;
  bool zsnr = false;
  // Flow families.
  double shift = 1.0;
  double multiplier = 1000.0;
};

// What hooks of a pass tell each other; values are JSON by convention, keys "PLUGIN.NAME".
using TransformerOptions = std::map<std::string, std::string>;

class Hook;

// One forward pass of conds that carry the same hooks.
struct Pass {
  // What the pass is about, the latent or a part of it: (batch, channels, height, width) float32,
  // in the sampler's space.
  TensorView x;
  float sigma = 0.0F;  // the same for the whole batch
  std::size_t conds = 1;
  const ModelSampling& model_sampling;  // with the patches of this pass
  const TransformerOptions& transformer_options;
  // This plug-in's additional models of this pass, in the order of the job's hooks.
  std::span<Hook* const> additional_models;
};

// The rest of the pass: inner wrappers, then the model. Returns the denoised predictions, (conds,
// batch, channels, height, width) float32. May be called any number of times; what it throws must
// be let through.
using Next = std::function<Tensor(const TensorView& x, float sigma)>;

// One hook of a job. It is made in the coordinator when the job arrives, only to see whether its
// options are accepted, and in each worker when a pass first needs it; there it is kept until the
// job ends. A worker calls it from one thread. Only the functions of its own point are called.
class Hook {
 public:
  Hook() = default;
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;
  virtual ~Hook() = default;

  // object_patch: before each pass; changes what the model samples with in this pass alone.
  virtual void patch(ModelSampling&) {}

  // additional_model: once, in a worker, before the first pass that names it. Wrappers of the same
  // plug-in find the hook in Pass::additional_models.
  virtual void load() {}

  // transformer_options: before each pass; adds to what the pass's other hooks are told.
  virtual void add_options(TransformerOptions&) {}

  // injection: before the pass, and after it even where it failed.
  virtual void inject(const Pass&) {}
  virtual void eject() noexcept {}

  // wrapper: in place of the pass. The first hook of the job is the outermost.
  virtual Tensor wrap(const Pass& pass, const Next& next) { return next(pass.x, pass.sigma); }

  // callback: after the pass, with what it gave: (conds, batch, channels, height, width) float32.
  virtual void after(const Pass&, const TensorView& /*denoised*/) {}
};

// A row of a plug-in's table of hooks. `make` reads the options; it throws std::invalid_argument
// for those that it does not accept, and loads nothing yet.
struct HookRow {
  HookPoint point;
  std::unique_ptr<Hook> (*make)(const Options& options);
};

}  // namespace tandem::plugin

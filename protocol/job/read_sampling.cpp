// From the latent to the sampler: what is computed, in which steps.
#include "protocol/job/limits.hpp"
#include "protocol/job/names.hpp"
#include "protocol/job/readers.hpp"

namespace tandem::job::detail {
namespace {

void read_side(ObjectReader& keys, std::string_view key, int& field) {
  constexpr int kGranularity = 8;
  keys.require(key);
  keys.read(key, field, kPixels);
  if (field % kGranularity == 0) return;
  const std::string path = keys.path_of(key);
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected a multiple of 8, found " + std::to_string(field), {}, path);
}

Latent read_empty_latent(ObjectReader& keys) {
  EmptyLatent latent;
  read_side(keys, "width", latent.width);
  read_side(keys, "height", latent.height);
  keys.read("batch", latent.batch, kBatch);
  keys.read("frames", latent.frames, kFrames);
  return latent;
}

OptionValue to_option(const boost::json::value& value, const std::string& path) {
  if (const bool* flag = value.if_bool()) return *flag;
  if (const std::int64_t* whole = value.if_int64()) return *whole;
  if (value.is_string()) return to_text(value, path, kName);
  return to_number(value, path, kAnyNumber);
}

}  // namespace

Latent read_latent(ObjectReader& keys) {
  const bool tensor = keys.has("tensor");
  const bool image = keys.has("image");
  const bool empty = keys.has("width") || keys.has("height");
  if (tensor + image + empty != 1) {
    throw Error(ErrorCode::kBadRequest,
                keys.path() + ": expected exactly one of tensor, image, width with height; found " +
                    std::to_string(tensor + image + empty) + " of them",
                {}, keys.path());
  }
  if (empty) return read_empty_latent(keys);
  std::string name;
  keys.read(tensor ? "tensor" : "image", name, kTensorNameRule);
  if (tensor) return TensorLatent{name};
  return ImageLatent{name};
}

Noise read_noise(ObjectReader& keys) {
  Noise noise;
  keys.read("seed", noise.seed);
  keys.read("tensor", noise.tensor, kTensorNameRule);
  keys.read("sampler_seed", noise.sampler_seed);
  keys.read("sampler_device", noise.sampler_device, kNoiseDevices);
  if (const boost::json::value* indices = keys.find("batch_index")) {
    const std::string list = keys.path_of("batch_index");
    for (const boost::json::value& index : to_array(*indices, list, kMaxBatch)) {
      const std::string path = key_path(list, noise.batch_index.size());
      noise.batch_index.push_back(to_whole(index, path, kBatchIndex));
    }
  }
  return noise;
}

Sampler read_sampler(ObjectReader& keys) {
  Sampler sampler;
  keys.read("name", sampler.name, kName);
  keys.read("scheduler", sampler.scheduler, kName);
  keys.read("steps", sampler.steps, kSteps);
  keys.read("cfg", sampler.cfg, kAnyNumber);
  keys.read("denoise", sampler.denoise, kFraction);
  keys.read("start_step", sampler.start_step, kStepIndex);
  keys.read("end_step", sampler.end_step, kStepIndex);
  keys.read("add_noise", sampler.add_noise);
  keys.read("return_with_leftover_noise", sampler.return_with_leftover_noise);
  keys.read("sigmas", sampler.sigmas, kTensorNameRule);
  keys.read_members(
      "options", kMaxSamplerOptions,
      [&](const std::string& name, const boost::json::value& value, const std::string& path) {
        sampler.options[name] = to_option(value, path);
      });
  return sampler;
}

Guider read_guider(ObjectReader& keys) {
  Guider guider;
  keys.read("kind", guider.kind, kGuiderKinds);
  keys.read("cfg_middle", guider.cfg_middle, kAnyNumber);
  keys.read("neg_scale", guider.neg_scale, kAnyNumber);
  keys.read("nested", guider.nested);
  keys.read("rescale", guider.rescale, kAnyNumber);
  return guider;
}

Sampling read_sampling(ObjectReader& keys) {
  Sampling sampling;
  keys.read("parameterization", sampling.parameterization, kParameterizations);
  keys.read("zsnr", sampling.zsnr);
  keys.read("kind", sampling.kind, kFlowKinds);
  keys.read("shift", sampling.shift, kAtLeastNothing);
  keys.read("multiplier", sampling.multiplier, kAboveZero);
  return sampling;
}

Context read_context(ObjectReader& keys) {
  Context context;
  keys.read("length", context.length, kAtLeastOne);
  keys.read("overlap", context.overlap, kAtLeastZero);
  keys.read("stride", context.stride, kAtLeastOne);
  read_listed(keys, "schedule", context.schedule, kContextSchedules);
  read_listed(keys, "fuse", context.fuse, kContextFuses);
  keys.read("closed_loop", context.closed_loop);
  keys.read("dim", context.dim, kDimension);
  return context;
}

}  // namespace tandem::job::detail

// A job as JSON: only what differs from the defaults.
#include "protocol/job/job_json.hpp"
#include "protocol/job/limits.hpp"
#include "protocol/job/writers.hpp"
#include "protocol/json_text.hpp"

namespace tandem::job {
namespace detail {
namespace {

json::object write(const TensorLatent& latent) {
  return {{"tensor", latent.tensor}};
}
json::object write(const ImageLatent& latent) {
  return {{"image", latent.image}};
}
json::object write(const EmptyLatent& latent) {
  ObjectWriter out;
  out.always("width", latent.width);
  out.always("height", latent.height);
  out.put("batch", latent.batch, EmptyLatent{}.batch);
  out.put("frames", latent.frames);
  return out.take();
}

json::object write(const Noise& noise) {
  ObjectWriter out;
  const Noise fallback;
  out.put("seed", noise.seed, fallback.seed);
  out.put("tensor", noise.tensor);
  out.put("sampler_seed", noise.sampler_seed);
  out.put("sampler_device", noise.sampler_device, fallback.sampler_device, kNoiseDevices);
  json::array indices;
  for (const int index : noise.batch_index)
    indices.emplace_back(index);
  out.put("batch_index", std::move(indices));
  return out.take();
}

json::object write(const Sampler& sampler) {
  ObjectWriter out;
  const Sampler fallback;
  out.put("name", sampler.name, fallback.name);
  out.put("scheduler", sampler.scheduler, fallback.scheduler);
  out.put("steps", sampler.steps, fallback.steps);
  out.put("cfg", sampler.cfg, fallback.cfg);
  out.put("denoise", sampler.denoise, fallback.denoise);
  out.put("start_step", sampler.start_step, fallback.start_step);
  out.put("end_step", sampler.end_step);
  out.put("add_noise", sampler.add_noise, fallback.add_noise);
  out.put("return_with_leftover_noise", sampler.return_with_leftover_noise,
          fallback.return_with_leftover_noise);
  out.put("sigmas", sampler.sigmas);
  json::object options;
  for (const auto& [name, option] : sampler.options) {
    options[name] = std::visit([](const auto& value) { return json::value(value); }, option);
  }
  out.put("options", std::move(options));
  return out.take();
}

json::object write(const Guider& guider) {
  ObjectWriter out;
  const Guider fallback;
  out.put("kind", guider.kind, fallback.kind, kGuiderKinds);
  out.put("cfg_middle", guider.cfg_middle, fallback.cfg_middle);
  out.put("neg_scale", guider.neg_scale, fallback.neg_scale);
  out.put("nested", guider.nested, fallback.nested);
  out.put("rescale", guider.rescale, fallback.rescale);
  return out.take();
}

json::object write(const Tiling& tiling, const Tiling& fallback) {
  ObjectWriter out;
  out.put("tile_x", tiling.tile_x, fallback.tile_x);
  out.put("tile_y", tiling.tile_y, fallback.tile_y);
  out.put("overlap", tiling.overlap, fallback.overlap);
  out.put("tile_t", tiling.tile_t, fallback.tile_t);
  out.put("overlap_t", tiling.overlap_t, fallback.overlap_t);
  return out.take();
}

json::object write(const Vae& vae) {
  ObjectWriter out;
  if (vae.decode_tiled) out.always("decode_tiled", write(*vae.decode_tiled, kDecodeTiling));
  if (vae.encode_tiled) out.always("encode_tiled", write(*vae.encode_tiled, kEncodeTiling));
  return out.take();
}

json::object write(const Upscale& upscale) {
  ObjectWriter out;
  const Upscale fallback;
  out.put("image", upscale.image);
  out.put("tile", upscale.tile, fallback.tile);
  out.put("overlap", upscale.overlap, fallback.overlap);
  return out.take();
}

json::object write(const Forward& forward) {
  ObjectWriter out;
  out.always("x", json::value(forward.x));
  out.always("timestep", json::value(forward.timestep));
  out.put("context", forward.context);
  out.put("y", forward.y);
  out.put("guidance", forward.guidance);
  out.put("clip_fea", forward.clip_fea);
  out.put("num_tokens", forward.num_tokens);
  out.put("ref_latents", forward.ref_latents);
  out.put("ref_latents_method", forward.ref_latents_method);
  return out.take();
}

json::object write(const PluginWork& work) {
  ObjectWriter out;
  out.always("name", json::value(work.name));
  out.always("kind", json::value(work.kind));
  if (!work.options.empty()) out.always("options", parse_json(work.options));
  out.put("tensors", work.tensors);
  return out.take();
}

json::object write(const Outputs& outputs) {
  ObjectWriter out;
  const Outputs fallback;
  for (const OutputRow& row : kOutputs) {
    const Output& output = outputs.*row.field;
    if (!output.wanted) continue;
    out.always(row.key, output.file.empty() ? json::value(true) : json::value(output.file));
  }
  out.put("image_dtype", outputs.image_dtype, fallback.image_dtype, kImageTypes);
  out.put("fps", outputs.fps, fallback.fps);
  return out.take();
}

}  // namespace
}  // namespace detail

boost::json::object to_json(const Job& job) {
  using namespace detail;
  ObjectWriter out;
  out.always("version", kJobVersion);
  out.put("model", write(job.model));
  out.put("positive", write(job.positive));
  out.put("negative", write(job.negative));
  out.put("middle", write(job.middle));
  if (job.latent) {
    out.always("latent", std::visit([](const auto& latent) { return write(latent); }, *job.latent));
  }
  out.put("noise", write(job.noise));
  out.put("noise_mask", job.noise_mask);
  if (job.sampler) out.always("sampler", write(*job.sampler));
  out.put("start_image", job.start_image);
  out.put("clip_vision_image", job.clip_vision_image);
  out.put("guider", write(job.guider));
  out.put("sampling", write(job.sampling));
  out.put("hooks", write(job.hooks));
  if (job.context) out.always("context", write(*job.context));
  if (job.motion) out.always("motion", write(*job.motion));
  out.put("vae", write(job.vae));
  if (job.upscale) out.always("upscale", write(*job.upscale));
  if (job.forward) out.always("forward", write(*job.forward));
  if (job.plugin) out.always("plugin", write(*job.plugin));
  out.put("workers", write(job.workers));
  out.put("output", write(job.output));
  return out.take();
}

}  // namespace tandem::job

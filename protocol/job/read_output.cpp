// Pictures in and out: tiling, upscaling, the bare forward pass, plug-ins, workers, outputs.
#include <algorithm>

#include "protocol/job/limits.hpp"
#include "protocol/job/names.hpp"
#include "protocol/job/readers.hpp"

namespace tandem::job::detail {
namespace {

void check_overlap(const ObjectReader& keys, std::string_view key, int overlap, int limit,
                   std::string_view limit_words) {
  if (overlap < limit) return;
  const std::string path = keys.path_of(key);
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected less than " + std::string(limit_words) + " (" +
                  std::to_string(limit) + "), found " + std::to_string(overlap),
              {}, path);
}

Tiling read_tiling(ObjectReader& keys, Tiling tiling) {
  keys.read("tile_x", tiling.tile_x, kTileSide);
  keys.read("tile_y", tiling.tile_y, kTileSide);
  keys.read("overlap", tiling.overlap, kOverlap);
  keys.read("tile_t", tiling.tile_t, kTileSide);
  keys.read("overlap_t", tiling.overlap_t, kOverlap);
  // Three tilings are averaged, two of them with one side halved: half a tile must still move on.
  const int half = std::min(tiling.tile_x, tiling.tile_y) / 2;
  check_overlap(keys, "overlap", tiling.overlap, half, "half the tile's smaller side");
  check_overlap(keys, "overlap_t", tiling.overlap_t, tiling.tile_t, "tile_t");
  return tiling;
}

Output to_output(const boost::json::value& value, const std::string& path) {
  if (const bool* wanted = value.if_bool()) return {*wanted, {}};
  constexpr StringRule kOutput{"true or a file name", kFileName.max_bytes};
  return {true, to_text(value, path, kOutput)};
}

}  // namespace

Vae read_vae(ObjectReader& keys) {
  Vae vae;
  keys.read_object("decode_tiled", [&](ObjectReader& tiling) {
    vae.decode_tiled = read_tiling(tiling, kDecodeTiling);
  });
  keys.read_object("encode_tiled", [&](ObjectReader& tiling) {
    vae.encode_tiled = read_tiling(tiling, kEncodeTiling);
  });
  return vae;
}

Upscale read_upscale(ObjectReader& keys) {
  Upscale upscale;
  keys.read("image", upscale.image, kTensorNameRule);
  keys.read("tile", upscale.tile, kTileSide);
  keys.read("overlap", upscale.overlap, kOverlap);
  check_overlap(keys, "overlap", upscale.overlap, upscale.tile, "the tile");
  return upscale;
}

Forward read_forward(ObjectReader& keys) {
  Forward forward;
  keys.require("x");
  keys.require("timestep");
  keys.read("x", forward.x, kTensorNameRule);
  keys.read("timestep", forward.timestep, kTensorNameRule);
  keys.read("context", forward.context, kTensorNameRule);
  keys.read("y", forward.y, kTensorNameRule);
  keys.read("guidance", forward.guidance, kTensorNameRule);
  keys.read("clip_fea", forward.clip_fea, kTensorNameRule);
  keys.read("num_tokens", forward.num_tokens, kAtLeastOne);
  keys.read_one_or_many("ref_latents", forward.ref_latents, kTensorNameRule, kMaxReferences);
  keys.read("ref_latents_method", forward.ref_latents_method, kName);
  return forward;
}

PluginWork read_plugin(ObjectReader& keys) {
  PluginWork work;
  keys.require("name");
  keys.require("kind");
  keys.read("name", work.name, kName);
  keys.read("kind", work.kind, kName);
  read_plugin_options(keys, work.options);
  keys.read("tensors", work.tensors, kTensorNameRule, kMaxPluginTensors);
  return work;
}

Workers read_workers(ObjectReader& keys) {
  Workers workers;
  keys.read("max", workers.max, kWorkerCount);
  keys.read_members(
      "relative_speed", kMaxWorkers,
      [&](const std::string& worker, const boost::json::value& speed, const std::string& path) {
        workers.relative_speed[worker] = to_number(speed, path, kAboveZero);
      });
  keys.read("batching", workers.batching, kBatchings);
  keys.read("split_batch", workers.split_batch);
  keys.read("audit", workers.audit, kFraction);
  keys.read("on_nan", workers.on_nan, kOnNans);
  return workers;
}

Outputs read_outputs(ObjectReader& keys) {
  Outputs outputs;
  bool any = false;
  for (const OutputRow& row : kOutputs) {
    const boost::json::value* value = keys.find(row.key);
    if (value == nullptr) continue;
    outputs.*row.field = to_output(*value, keys.path_of(row.key));
    any = any || (outputs.*row.field).wanted;
  }
  keys.read("image_dtype", outputs.image_dtype, kImageTypes);
  keys.read("fps", outputs.fps, kFramesPerSecond);
  if (any) return outputs;
  throw Error(
      ErrorCode::kBadRequest,
      keys.path() + ": expected at least one output, found none; a job does what its outputs need",
      "For instance \"output\": {\"image\": \"out.png\"}.", keys.path());
}

}  // namespace tandem::job::detail

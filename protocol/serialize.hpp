// How the worker protocol's values are written by cereal: fields in the order of their declaration.
// Included by codec.cpp alone.
#pragma once

#include "protocol/bounded_archive.hpp"
#include "protocol/worker_message.hpp"

namespace tandem {

template <>
inline constexpr auto kLastEnumerator<ErrorCode> = ErrorCode::kInternal;
template <>
inline constexpr auto kLastEnumerator<DType> = DType::kF8E5M2;
template <>
inline constexpr auto kLastEnumerator<Parameterization> = Parameterization::kFlow;
template <>
inline constexpr auto kLastEnumerator<Betas> = Betas::kLinear;
template <>
inline constexpr auto kLastEnumerator<ComputeType> = ComputeType::kF16;
template <>
inline constexpr auto kLastEnumerator<Transport> = Transport::kCudaIpc;
template <>
inline constexpr auto kLastEnumerator<ModelPart> = ModelPart::kUpscale;

template <class Archive>
void serialize(Archive& ar, Failure& v) {
  ar(v.code, v.message, v.hint, v.path, v.worker, v.needed_bytes, v.free_bytes);
}

template <class Archive>
void serialize(Archive& ar, TensorLayout& v) {
  ar(v.dtype, v.shape);
}

template <class Archive>
void serialize(Archive& ar, InlineTensor& v) {
  ar(v.layout, v.bytes);
}

template <class Archive>
void serialize(Archive& ar, SharedMemoryTensor& v) {
  ar(v.layout, v.segment, v.offset);
}

template <class Archive>
void serialize(Archive& ar, PluginHook& v) {
  ar(v.point, v.plugin, v.options);
}

template <class Archive>
void serialize(Archive& ar, CondData& v) {
  ar(v.context, v.pooled, v.sizes, v.concat, v.y, v.plugin_hooks);
}

template <class Archive>
void serialize(Archive& ar, SigmaParameters& v) {
  ar(v.parameterization, v.linear_start, v.linear_end, v.timesteps, v.zsnr, v.shift, v.multiplier,
     v.betas);
}

template <class Archive>
void serialize(Archive& ar, ModelSpec& v) {
  ar(v.file, v.vae, v.text_encoders, v.tokenizer, v.upscale, v.dtype, v.text_dtype, v.vae_dtype,
     v.motion);
}

template <class Archive>
void serialize(Archive& ar, FileStamp& v) {
  ar(v.path, v.device, v.inode, v.bytes, v.modified_ns);
}

template <class Archive>
void serialize(Archive& ar, Patch& v) {
  ar(v.file, v.strength);
}

template <class Archive>
void serialize(Archive& ar, PatchSet& v) {
  ar(v.loras, v.hooks);
}

template <class Archive>
void serialize(Archive& ar, EmbeddingFile& v) {
  ar(v.name, v.file);
}

template <class Archive>
void serialize(Archive& ar, TextSection& v) {
  ar(v.name, v.text);
}

template <class Archive>
void serialize(Archive& ar, WeightedToken& v) {
  ar(v.id, v.weight);
}

template <class Archive>
void serialize(Archive& ar, TokenSection& v) {
  ar(v.name, v.chunks);
}

template <class Archive>
void serialize(Archive& ar, EncodeText& v) {
  ar(v.model, v.sections, v.token_ids, v.token_weights, v.clip_skip, v.want_cond, v.patches,
     v.embeddings);
}

template <class Archive>
void serialize(Archive& ar, EncodeTextResult& v) {
  ar(v.cond, v.pooled, v.tokens);
}

template <class Archive>
void serialize(Archive& ar, LatentWindow& v) {
  ar(v.dim, v.indices);
}

template <class Archive>
void serialize(Archive& ar, LatentArea& v) {
  ar(v.height, v.width, v.y, v.x);
}

template <class Archive>
void serialize(Archive& ar, LatentRegion& v) {
  ar(v.window, v.area, v.item);
}

template <class Archive>
void serialize(Archive& ar, MotionUse& v) {
  ar(v.scale, v.effect);
}

template <class Archive>
void serialize(Archive& ar, Denoise& v) {
  ar(v.model, v.sigmas, v.x, v.sigma, v.conds, v.region, v.patches, v.motion, v.item_sigmas);
}

template <class Archive>
void serialize(Archive& ar, DenoiseResult& v) {
  ar(v.denoised);
}

template <class Archive>
void serialize(Archive& ar, DecodeLatent& v) {
  ar(v.model, v.latent, v.is_tile);
}

template <class Archive>
void serialize(Archive& ar, DecodeLatentResult& v) {
  ar(v.image);
}

template <class Archive>
void serialize(Archive& ar, EncodeImage& v) {
  ar(v.model, v.image);
}

template <class Archive>
void serialize(Archive& ar, EncodeImageResult& v) {
  ar(v.latent);
}

template <class Archive>
void serialize(Archive& ar, Forward& v) {
  ar(v.model, v.x, v.timestep, v.context, v.y, v.patches, v.motion);
}

template <class Archive>
void serialize(Archive& ar, ForwardResult& v) {
  ar(v.out);
}

template <class Archive>
void serialize(Archive& ar, UpscaleTile& v) {
  ar(v.model, v.image);
}

template <class Archive>
void serialize(Archive& ar, UpscaleTileResult& v) {
  ar(v.image);
}

template <class Archive>
void serialize(Archive& ar, PluginInput& v) {
  ar(v.name, v.tensor);
}

template <class Archive>
void serialize(Archive& ar, PluginOutput& v) {
  ar(v.name, v.layout);
}

template <class Archive>
void serialize(Archive& ar, PluginUnit& v) {
  ar(v.plugin, v.kind, v.options, v.inputs, v.outputs);
}

template <class Archive>
void serialize(Archive& ar, PluginUnitResult& v) {
  ar(v.outputs);
}

template <class Archive>
void serialize(Archive& ar, AttachSegment& v) {
  ar(v.segment, v.bytes, v.writable, v.twin);
}

template <class Archive>
void serialize(Archive& ar, LoadModel& v) {
  ar(v.model, v.spec, v.files, v.part);
}

template <class Archive>
void serialize(Archive& ar, UnloadModel& v) {
  ar(v.model, v.part);
}

template <class Archive>
void serialize(Archive& ar, PutConstant& v) {
  ar(v.constant, v.cond);
}

template <class Archive>
void serialize(Archive& ar, PutFile& v) {
  ar(v.constant, v.stamp);
}

template <class Archive>
void serialize(Archive& ar, DropConstants& v) {
  ar(v.constants);
}

template <class Archive>
void serialize(Archive& ar, OutputSlot& v) {
  ar(v.segment, v.offset, v.bytes);
}

template <class Archive>
void serialize(Archive& ar, SlabTurn& v) {
  ar(v.turn, v.result);
}

template <class Archive>
void serialize(Archive& ar, RunUnit& v) {
  ar(v.unit_id, v.generation, v.unit, v.output, v.slab);
}

template <class Archive>
void serialize(Archive&, Shutdown&) {}

template <class Archive>
void serialize(Archive& ar, SlabOffer& v) {
  ar(v.memory, v.bytes, v.inputs_ready, v.result_ready, v.check_offset, v.check_seed);
}

template <class Archive>
void serialize(Archive& ar, AttachSlab& v) {
  ar(v.offer);
}

template <class Archive>
void serialize(Archive& ar, SlabAttached& v) {
  ar(v.failure);
}

template <class Archive>
void serialize(Archive& ar, WorkerHello& v) {
  ar(v.protocol, v.pid, v.device, v.description, v.threads, v.has_bfloat16, v.memory_total,
     v.memory_free, v.transport);
}

template <class Archive>
void serialize(Archive& ar, ModelLoaded& v) {
  ar(v.model, v.part, v.bytes, v.seconds, v.memory_free);
}

template <class Archive>
void serialize(Archive& ar, ModelFailed& v) {
  ar(v.model, v.part, v.failure);
}

template <class Archive>
void serialize(Archive& ar, UnitDone& v) {
  ar(v.unit_id, v.generation, v.result, v.seconds, v.in_slab);
}

template <class Archive>
void serialize(Archive& ar, UnitFailed& v) {
  ar(v.unit_id, v.generation, v.failure);
}

}  // namespace tandem

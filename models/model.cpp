#include "models/model.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "models/checkpoint/checkpoint.hpp"
#include "protocol/asked_type.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

std::size_t index_of(ModelPart part) {
  return static_cast<std::size_t>(part);
}

[[noreturn]] void refuse_part(const char* what) {
  throw Error(ErrorCode::kUnsupported, std::string("This model has no ") + what + ".",
              "Name a file that holds it in the job's model.");
}

at::ScalarType scalar_type_of(ComputeType type) {
  if (type == ComputeType::kF16) return at::kHalf;
  return type == ComputeType::kBF16 ? at::kBFloat16 : at::kFloat;
}

// (conds * batch)
at::Tensor rows_of(const NoiseLevels& sigma, std::int64_t conds, std::int64_t batch,
                   const at::TensorOptions& options) {
  const std::vector<float>& sigmas = sigma.sigmas;
  if (sigmas.size() == 1) return at::full({conds * batch}, sigmas.front(), options);
  if (static_cast<std::int64_t>(sigmas.size()) == batch)
    return at::tensor(sigmas).repeat({conds}).to(options);
  throw Error(ErrorCode::kBadShape, "A batch of " + std::to_string(batch) + " items has " +
                                        std::to_string(sigmas.size()) + " noise levels.");
}

void check_image(const at::Tensor& x, std::int64_t channels, const char* what) {
  if (x.dim() == 4 && x.size(1) == channels && x.numel() > 0) return;
  throw Error(ErrorCode::kBadShape, std::string(what) + " should have the shape (batch, " +
                                        std::to_string(channels) + ", height, width).");
}

}  // namespace

std::unique_ptr<Model> Model::open(const ModelSpec& spec, ModelDevice device) {
  return std::unique_ptr<Model>(new Model(inspect_model(spec), spec, std::move(device)));
}

Model::Model(Inspection inspection, const ModelSpec& spec, ModelDevice device)
    : inspection_(std::move(inspection)),
      spec_(spec),
      device_(std::move(device)),
      patch_files_(device_.attached_files) {}

// ---- parts ----

bool Model::is_loaded(ModelPart part) const {
  return parts_.at(index_of(part)).has_value();
}

void Model::load(ModelPart part, WeightCopies* copies) {
  if (is_loaded(part)) return;
  const c10::InferenceMode guard;
  PatchablePart loaded;
  switch (part) {
    case ModelPart::kUnet:
      load_unet(loaded, copies);
      break;
    case ModelPart::kText:
      load_text(loaded, copies);
      break;
    case ModelPart::kVae:
      load_vae(loaded, copies);
      break;
    case ModelPart::kUpscale:
      load_upscale(loaded, copies);
      break;
  }
  parts_.at(index_of(part)) = std::move(loaded);
}

void Model::unload(ModelPart part) {
  switch (part) {
    case ModelPart::kUnet:
      patched_unets_.clear();
      unet_ = nullptr;
      break;
    case ModelPart::kText:
      patched_texts_.clear();
      text_.reset();
      break;
    case ModelPart::kVae:
      vae_.reset();
      break;
    case ModelPart::kUpscale:
      upscaler_.reset();
      break;
  }
  parts_.at(index_of(part)).reset();
}

std::uint64_t Model::bytes_of(ModelPart part) const {
  std::uint64_t bytes = 0;
  if (!is_loaded(part)) return bytes;
  for (const Weights& weights : parts_.at(index_of(part))->weights)
    bytes += weights.bytes_loaded();
  if (part == ModelPart::kUnet) bytes += patched_unets_.bytes();
  if (part == ModelPart::kText) bytes += patched_texts_.bytes();
  return bytes;
}

std::uint64_t Model::bytes_held() const {
  return bytes_of(ModelPart::kUnet) + bytes_of(ModelPart::kText) + bytes_of(ModelPart::kVae) +
         bytes_of(ModelPart::kUpscale);
}

std::vector<std::string> Model::unused_tensors(ModelPart part) const {
  std::vector<std::string> names;
  if (!is_loaded(part)) return names;
  for (const Weights& weights : parts_.at(index_of(part))->weights) {
    for (const std::string& name : weights.unused())
      names.push_back(weights.full_name(name));
  }
  return names;
}

Weights Model::open_weights(const std::string& file, const std::string& prefix,
                            const LoadOptions& options, WeightCopies* copies) const {
  Checkpoint checkpoint = open_checkpoint(file);
  const auto& files = inspection_.files;
  if (std::find(files.begin(), files.end(), checkpoint.stamp) == files.end()) {
    throw Error(ErrorCode::kBadCheckpoint, "'" + file + "' has changed since it was opened.", {},
                file);
  }
  if (copies != nullptr && options.device.is_cpu()) {
    checkpoint.tensors = with_copies(checkpoint.tensors, prefix, options.compute, *copies);
  }
  return Weights(std::move(checkpoint.tensors), options).under(prefix);
}

LoadOptions Model::options_of(ModelPart part) const {
  const at::ScalarType type =
      scalar_type_of(compute_type(part, asked_type(spec_, part), device_.types));
  // cuDNN's convolutions on tensor cores want the channels last.
  return {device_.device, type, device_.types.is_gpu && type != at::kFloat};
}

void Model::load_unet(PatchablePart& part, WeightCopies* copies) {
  if (!inspection_.unet) refuse_part("diffusion model");
  const UNetPart& found = *inspection_.unet;
  part.weights.push_back(
      open_weights(found.file, found.prefix, options_of(ModelPart::kUnet), copies));
  if (const auto& motion = inspection_.motion) {
    part.weights.push_back(
        open_weights(motion->file, motion->prefix, options_of(ModelPart::kUnet), copies));
  }
  unet_ = make_unet(part.weights);
}

Network Model::make_unet(const std::vector<Weights>& weights) const {
  std::optional<UNetMotion> motion;
  if (inspection_.motion) motion.emplace(UNetMotion{weights.back(), inspection_.motion->config});
  const auto unet = std::make_shared<const UNet>(weights.front(), inspection_.unet->config, motion);
  Network network = [unet](const NetworkInputs& in) {
    return (*unet)(in.x, in.timesteps, in.context, in.y, in.motion);
  };
  return device_.wrap_network ? device_.wrap_network(std::move(network)) : network;
}

void Model::load_text(PatchablePart& part, WeightCopies* copies) {
  if (inspection_.encoders.empty()) refuse_part("text encoder");
  const LoadOptions options = options_of(ModelPart::kText);
  for (const EncoderPart& found : inspection_.encoders) {
    Weights weights = open_weights(found.file, found.prefix, options, copies);
    if (found.omits_text_model) weights = weights.without("text_model.");
    part.weights.push_back(weights);
  }
  const auto vocabulary = read_bpe_vocabulary(
      spec_.tokenizer.empty() ? shipped_bpe_vocabulary() : std::filesystem::path(spec_.tokenizer));
  tokenizer_ = std::make_shared<const BpeTokenizer>(vocabulary);
  text_.emplace(make_text_encoder(part.weights));
}

// weights: one for each encoder, in the family's order.
TextEncoder Model::make_text_encoder(const std::vector<Weights>& weights) const {
  std::vector<TextEncoderPart> encoders;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const EncoderPart& found = inspection_.encoders[i];
    encoders.push_back({found.section, weights[i], found.config});
  }
  return {encoders, tokenizer_};
}

void Model::load_vae(PatchablePart& part, WeightCopies* copies) {
  if (!inspection_.vae) refuse_part("VAE");
  const VaePart& found = *inspection_.vae;
  part.weights.push_back(
      open_weights(found.file, found.prefix, options_of(ModelPart::kVae), copies));
  vae_.emplace(part.weights.back(), found.config);
}

void Model::load_upscale(PatchablePart& part, WeightCopies* copies) {
  if (!inspection_.upscale) refuse_part("upscale model");
  const UpscalePart& found = *inspection_.upscale;
  part.weights.push_back(open_weights(found.file, "", options_of(ModelPart::kUpscale), copies));
  upscaler_.emplace(part.weights.back(), found.config);
}

const PatchablePart& Model::patchable(ModelPart part) {
  PatchablePart& patchable = *parts_.at(index_of(part));
  if (!patchable.keys.empty()) return patchable;
  const auto& encoders = inspection_.encoders;
  const bool has_clip_l = std::any_of(encoders.begin(), encoders.end(),
                                      [](const EncoderPart& e) { return e.section == "l"; });
  for (std::size_t i = 0; i < patchable.weights.size(); ++i) {
    const std::vector<std::string> names = patchable.weights[i].names();
    if (part == ModelPart::kUnet) {  // no LoRA names the motion modules behind it
      patchable.keys.push_back(i == 0 ? unet_lora_keys(names, inspection_.unet->config)
                                      : LoraKeys());
    } else {
      patchable.keys.push_back(clip_lora_keys(names, encoders[i], has_clip_l));
    }
  }
  return patchable;
}

// ---- the diffusion model ----

const Network& Model::unet(const PatchSet& patches) {
  load(ModelPart::kUnet);
  if (patches.empty()) return unet_;
  return patched_unets_.get(
      patches, patchable(ModelPart::kUnet), patch_files_,
      [&](const std::vector<Weights>& weights) { return make_unet(weights); });
}

// From memory that CUDA knows, the copy is only queued: the caller waits before it uses it again.
at::Tensor Model::to_device(const at::Tensor& tensor, at::ScalarType type) const {
  return tensor.to(device_.device, type, /*non_blocking=*/true);
}

at::Tensor Model::run_unet(const Network& network, NetworkInputs inputs) const {
  const LoadOptions options = options_of(ModelPart::kUnet);
  inputs.x = to_device(inputs.x, options.compute);
  if (options.channels_last) inputs.x = inputs.x.contiguous(at::MemoryFormat::ChannelsLast);
  inputs.timesteps = to_device(inputs.timesteps, at::kFloat);
  inputs.context = to_device(inputs.context, options.compute);
  if (inputs.y) inputs.y = to_device(*inputs.y, options.compute);
  return network(inputs).to(at::kFloat);
}

const Prediction& Model::prediction(const SigmaParameters& sigmas) {
  if (!prediction_ || !(prediction_->first == sigmas)) {
    prediction_.emplace(sigmas, Prediction(sigmas));
  }
  return prediction_->second;
}

PreparedCond Model::prepare_cond(const CondInputs& inputs) {
  const c10::InferenceMode guard;
  if (!inspection_.unet) refuse_part("diffusion model");
  const LoadOptions options = options_of(ModelPart::kUnet);
  return models::prepare_cond(inputs, *inspection_.family, inspection_.info,
                              at::TensorOptions(options.device).dtype(options.compute));
}

at::Tensor Model::denoise(const at::Tensor& x, const NoiseLevels& sigma,
                          std::span<const PreparedCond* const> conds, const SigmaParameters& sigmas,
                          const LatentRegion& region, const PatchSet& patches,
                          const MotionUse& motion) {
  const c10::InferenceMode guard;
  const Network& network = unet(patches);
  const Prediction& model_prediction = prediction(sigmas);
  check_image(x, info().latent.channels, "x");
  if (conds.empty()) throw Error(ErrorCode::kBadRequest, "There is no cond to denoise with.");

  const auto count = static_cast<std::int64_t>(conds.size());
  const std::int64_t batch = x.size(0);
  const at::Tensor noisy = to_device(x, at::kFloat).repeat({count, 1, 1, 1});
  const at::Tensor sigma_rows = rows_of(sigma, count, batch, noisy.options());
  at::Tensor input = model_prediction.calculate_input(sigma_rows, noisy);
  if (const auto concat = join_concats(conds, batch, region)) input = at::cat({input, *concat}, 1);
  // On the CPU, where the table of sigmas is.
  const at::Tensor timestep = model_prediction.timestep(rows_of(sigma, count, batch, at::kFloat));
  const at::Tensor output = run_unet(network, {input,
                                               timestep,
                                               join_contexts(conds, batch, region),
                                               join_vectors(conds, batch, region),
                                               {batch, motion.scale, motion.effect}});
  return model_prediction.calculate_denoised(sigma_rows, output, noisy)
      .unflatten(0, {count, batch});
}

at::Tensor Model::forward(const at::Tensor& x, const at::Tensor& timestep,
                          const at::Tensor& context, const at::Tensor& y, const PatchSet& patches,
                          const MotionUse& motion) {
  const c10::InferenceMode guard;
  const Network& network = unet(patches);
  check_image(x, info().unet_in_channels, "x");
  return run_unet(network, {x,
                            timestep,
                            context,
                            y.defined() ? std::optional(y) : std::nullopt,
                            {x.size(0), motion.scale, motion.effect}});
}

// ---- text and pictures ----

const TextEncoder& Model::text_encoder(const PatchSet& patches) {
  load(ModelPart::kText);
  if (patches.empty()) return *text_;
  return patched_texts_.get(
      patches, patchable(ModelPart::kText), patch_files_,
      [&](const std::vector<Weights>& weights) { return make_text_encoder(weights); });
}

EncodedText Model::encode_text(const Tokens& tokens, std::optional<int> clip_skip,
                               const PatchSet& patches, const Embeddings& embeddings) {
  const c10::InferenceMode guard;
  EncodedText encoded = text_encoder(patches).encode(tokens, clip_skip, embeddings);
  encoded.cond = encoded.cond.to(at::kCPU);
  if (encoded.pooled) encoded.pooled = encoded.pooled->to(at::kCPU);
  return encoded;
}

Embeddings Model::read_embeddings(const std::vector<std::pair<std::string, FileStamp>>& files) {
  const c10::InferenceMode guard;
  Embeddings embeddings;
  const std::vector<std::string> sections = text_encoder().sections();
  for (const auto& [name, stamp] : files)
    embeddings.add(name, patch_files_.open(stamp)->tensors, sections);
  return embeddings;
}

at::Tensor Model::decode(const at::Tensor& latent) {
  const c10::InferenceMode guard;
  load(ModelPart::kVae);
  return vae_->decode(latent);
}

at::Tensor Model::encode(const at::Tensor& image) {
  const c10::InferenceMode guard;
  load(ModelPart::kVae);
  return vae_->encode(image);
}

at::Tensor Model::decode_tile(const at::Tensor& latent) {
  const c10::InferenceMode guard;
  load(ModelPart::kVae);
  return vae_->decode_unclamped(latent);
}

at::Tensor Model::upscale(const at::Tensor& image) {
  const c10::InferenceMode guard;
  load(ModelPart::kUpscale);
  return upscaler_->upscale(image);
}

}  // namespace tandem::models

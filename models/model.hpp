// One model on one device: the mathematics that a worker's units call.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/detect.hpp"
#include "models/checkpoint/weight_copies.hpp"
#include "models/checkpoint/weights.hpp"
#include "models/compute_type.hpp"
#include "models/families/unet/network.hpp"
#include "models/model_conds.hpp"
#include "models/network.hpp"
#include "models/patches/patch_files.hpp"
#include "models/patches/patch_set.hpp"
#include "models/patches/patched_networks.hpp"
#include "models/prediction/prediction.hpp"
#include "models/text/text_encoder.hpp"
#include "models/upscale/rrdb_net.hpp"
#include "models/vae/autoencoder_kl.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/latent_region.hpp"
#include "protocol/model_info.hpp"
#include "protocol/model_spec.hpp"
#include "protocol/motion_use.hpp"
#include "protocol/noise_levels.hpp"
#include "protocol/patches.hpp"

namespace tandem::models {

// Where a model computes, and in what.
struct ModelDevice {
  at::Device device = at::kCPU;
  DeviceTypes types;
  WrapNetwork wrap_network;  // empty: the network is called as it is
  std::shared_ptr<const AttachedFiles> attached_files = {};  // of patches; null: there are none
};

// Parts are loaded when they are first needed, or by load(). On a CPU, weights that are stored in
// the type they compute in stay in the mapped file; others are converted once, on a CPU for all
// processes that load the part. Not for several threads at a time. Tensors may come from any
// device, also from memory that is used again after the next wait for the device; results are
// float32 on the model's device (encoded texts on the CPU). The same calls give the same bits on
// the same kind of device with the same number of threads.
//
// What is computed with patches gives the bits of a model whose weights were stored so; what is
// computed without them afterwards gives the first bits again.
//
// LibTorch's c10::OutOfMemoryError passes through; the caller translates it.
class Model {
 public:
  // Inspects the files; reads no weights. Throws as inspect_model does.
  static std::unique_ptr<Model> open(const ModelSpec& spec, ModelDevice device);

  const ModelInfo& info() const { return inspection_.info; }
  // The files as they were when they were opened.
  const std::vector<FileStamp>& files() const { return inspection_.files; }

  bool is_loaded(ModelPart part) const;
  // Throws kUnsupported where the model has no such part; kBadCheckpoint where a file has changed
  // since open(); kMissingTensor, kBadShape where tensors are not those of the model's sizes.
  // Copies that have to be made for a CPU come from `copies` where it is given; it is used in this
  // call alone.
  void load(ModelPart part, WeightCopies* copies = nullptr);
  // Lets go of the part's weights and of what patches merged into them; it can be loaded again.
  void unload(ModelPart part);
  // Bytes of merged weights of the diffusion model that stay for the next time they are asked for;
  // 0, as it is first: only those in force. The text encoder keeps those in force.
  void set_patch_budget(std::uint64_t bytes) { patched_unets_.set_budget(bytes); }
  // Bytes of the weights in use, copies, mapped ones and what patches merged: of a part (0 before
  // it is loaded), of all.
  std::uint64_t bytes_of(ModelPart part) const;
  std::uint64_t bytes_held() const;
  // Names below the part's prefixes that building it did not ask for; empty before it is loaded.
  std::vector<std::string> unused_tensors(ModelPart part) const;

  // See prepare_cond of model_conds.hpp.
  PreparedCond prepare_cond(const CondInputs& inputs);

  // What the network predicts the noise-free latent to be: ComfyUI's apply_model. x (n, c, h, w)
  // float32 in the sampler's space at noise level `sigma`, what the region leaves of the latent;
  // of the conds' own channels, which are of the whole latent, it is taken here; sigma: one, or one
  // for each item of x. One forward pass for all conds -> (conds, n, c, h, w) float32. To motion
  // modules the n items are the frames of one sequence. Throws kBadShape, kBadRequest, and for
  // patches as merge_patches does.
  at::Tensor denoise(const at::Tensor& x, const NoiseLevels& sigma,
                     std::span<const PreparedCond* const> conds, const SigmaParameters& sigmas,
                     const LatentRegion& region = {}, const PatchSet& patches = {},
                     const MotionUse& motion = {});

  // The bare network: x (n, unet_in_channels, h, w), timestep (n) as the network receives it,
  // context (n, tokens, width), y (n, adm_in_channels) where the family has one, otherwise
  // undefined -> (n, c, h, w) float32. Throws kBadShape, kBadRequest.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& timestep, const at::Tensor& context,
                     const at::Tensor& y, const PatchSet& patches = {},
                     const MotionUse& motion = {});

  // The text encoder of this model, loaded.
  const TextEncoder& text_encoder(const PatchSet& patches = {});
  // See TextEncoder::encode; the results are on the CPU.
  EncodedText encode_text(const Tokens& tokens, std::optional<int> clip_skip,
                          const PatchSet& patches = {}, const Embeddings& embeddings = {});
  // Reads embeddings for this model's encoders, by the names that prompts give them. Throws as
  // Embeddings::add does; kBadCheckpoint where a file is no longer as its stamp says.
  Embeddings read_embeddings(const std::vector<std::pair<std::string, FileStamp>>& files);

  // See AutoencoderKL: latents as a user sees them, images (n, height, width, 3) of 0 to 1.
  at::Tensor decode(const at::Tensor& latent);
  at::Tensor encode(const at::Tensor& image);
  // The decoder's own pixels: about -1 to 1, not clamped.
  at::Tensor decode_tile(const at::Tensor& latent);

  // See RrdbNet::upscale.
  at::Tensor upscale(const at::Tensor& image);

 private:
  Model(Inspection inspection, const ModelSpec& spec, ModelDevice device);

  Weights open_weights(const std::string& file, const std::string& prefix,
                       const LoadOptions& options, WeightCopies* copies) const;
  void load_unet(PatchablePart& part, WeightCopies* copies);
  void load_text(PatchablePart& part, WeightCopies* copies);
  void load_vae(PatchablePart& part, WeightCopies* copies);
  void load_upscale(PatchablePart& part, WeightCopies* copies);
  LoadOptions options_of(ModelPart part) const;
  // weights: the UNet's, and its motion modules' where it has some.
  Network make_unet(const std::vector<Weights>& weights) const;
  const Network& unet(const PatchSet& patches);
  // inputs: of any device and type -> float32.
  at::Tensor run_unet(const Network& network, NetworkInputs inputs) const;
  at::Tensor to_device(const at::Tensor& tensor, at::ScalarType type) const;
  TextEncoder make_text_encoder(const std::vector<Weights>& weights) const;
  // The part, loaded, with the spellings of its weights.
  const PatchablePart& patchable(ModelPart part);
  const Prediction& prediction(const SigmaParameters& sigmas);

  Inspection inspection_;
  ModelSpec spec_;
  ModelDevice device_;
  std::array<std::optional<PatchablePart>, 4> parts_;  // by ModelPart
  Network unet_;
  std::optional<TextEncoder> text_;
  std::optional<AutoencoderKL> vae_;
  std::optional<RrdbNet> upscaler_;
  std::shared_ptr<const BpeTokenizer> tokenizer_;
  PatchFiles patch_files_;
  PatchedNetworks<Network> patched_unets_{0};
  PatchedNetworks<TextEncoder> patched_texts_{0};
  std::optional<std::pair<SigmaParameters, Prediction>> prediction_;  // the last one used
};

}  // namespace tandem::models

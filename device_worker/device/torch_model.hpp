// A model of models/ on a LibTorch device, as the unit handlers use it.
#pragma once

#include <memory>

#include "device_worker/loaded_model.hpp"
#include "models/model.hpp"

namespace tandem::worker {

class TorchModel : public LoadedModel {
 public:
  explicit TorchModel(std::unique_ptr<models::Model> model) : model_(std::move(model)) {}

  const ModelInfo& info() const override { return model_->info(); }
  const std::vector<FileStamp>& files() const override { return model_->files(); }
  void load(ModelPart part, models::WeightCopies& copies) override { model_->load(part, &copies); }
  void unload(ModelPart part) override { model_->unload(part); }
  std::uint64_t bytes_of(ModelPart part) const override { return model_->bytes_of(part); }
  void set_patch_budget(std::uint64_t bytes) override { model_->set_patch_budget(bytes); }
  TextOutput encode_text(const TextInput& input) override;
  std::unique_ptr<ModelCond> prepare(const CondInput& cond) override;
  at::Tensor denoise(const at::Tensor& x, const NoiseLevels& sigma,
                     std::span<const ModelCond* const> conds, const SigmaParameters& sigmas,
                     const LatentRegion& region, const PatchSet& patches,
                     const MotionUse& motion) override;
  at::Tensor forward(const at::Tensor& x, const at::Tensor& timestep, const at::Tensor& context,
                     const at::Tensor& y, const PatchSet& patches,
                     const MotionUse& motion) override;
  at::Tensor decode(const at::Tensor& latent) override { return model_->decode(latent); }
  at::Tensor decode_tile(const at::Tensor& latent) override { return model_->decode_tile(latent); }
  at::Tensor encode(const at::Tensor& image) override { return model_->encode(image); }
  at::Tensor upscale(const at::Tensor& image) override { return model_->upscale(image); }

 private:
  std::unique_ptr<models::Model> model_;
};

}  // namespace tandem::worker

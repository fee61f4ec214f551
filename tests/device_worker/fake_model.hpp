// A model of a few lines, so that the worker's own parts can be tested without weights.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "device_worker/device/device.hpp"

namespace tandem::worker {

struct FakeCond : ModelCond {
  explicit FakeCond(float v) : value(v) {}
  float value;
};

// Has no VAE to load; decode() gives NaNs.
class FakeModel : public LoadedModel {
 public:
  explicit FakeModel(std::vector<FileStamp> files) : files_(std::move(files)) {}

  const ModelInfo& info() const override { return info_; }
  const std::vector<FileStamp>& files() const override { return files_; }
  void load(ModelPart part, models::WeightCopies& copies) override;
  void unload(ModelPart) override { ++unloads; }
  std::uint64_t bytes_of(ModelPart) const override { return 10; }
  void set_patch_budget(std::uint64_t bytes) override { patch_budget = bytes; }
  TextOutput encode_text(const TextInput& input) override;
  std::unique_ptr<ModelCond> prepare(const CondInput& cond) override;
  at::Tensor denoise(const at::Tensor& x, const NoiseLevels& sigma,
                     std::span<const ModelCond* const> conds, const SigmaParameters& sigmas,
                     const LatentRegion& region, const PatchSet& patches,
                     const MotionUse& motion) override;
  at::Tensor forward(const at::Tensor& x, const at::Tensor& timestep, const at::Tensor& context,
                     const at::Tensor& y, const PatchSet& patches,
                     const MotionUse& motion) override;
  at::Tensor decode(const at::Tensor& latent) override;
  at::Tensor decode_tile(const at::Tensor& latent) override { return latent * 2; }
  at::Tensor encode(const at::Tensor& image) override;

  at::Tensor upscale(const at::Tensor& image) override;

  int loads = 0;
  int unloads = 0;
  int prepared = 0;
  std::uint64_t patch_budget = 0;

 private:
  ModelInfo info_;
  std::vector<FileStamp> files_;
};

class FakeDevice : public Device {
 public:
  void describe(WorkerHello& hello) const override { hello.device = "fake"; }
  std::unique_ptr<LoadedModel> open(const ModelSpec& spec) override;

  FakeModel* last = nullptr;  // opened
};

// With the stamp that FakeDevice gives to its files.
LoadModel load_message(ModelId id, const std::string& file, ModelPart part);

}  // namespace tandem::worker

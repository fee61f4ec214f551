#include "device_worker/device/sim_device.hpp"

#include <charconv>
#include <chrono>
#include <thread>

#include <ATen/ATen.h>

#include "models/checkpoint/detect.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

using Delay = std::chrono::duration<double>;

constexpr int kSimTokens = 77;

Delay parse_delay(std::string_view text) {
  if (text.empty()) return Delay(0);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc() && unit == "s") return Delay(value);
  if (error == std::errc() && unit == "ms") return Delay(value / 1e3);
  if (error == std::errc() && unit == "us") return Delay(value / 1e6);
  throw Error(ErrorCode::kBadRequest, "A sim device's time is a number with s, ms or us.");
}

// A cond's influence on the result, so that a mixed-up cond shows.
class SimCond : public ModelCond {
 public:
  explicit SimCond(const at::Tensor& context) : mean(context.mean().item<float>()) {}
  float mean;
};

// Likewise of patches.
float influence_of(const PatchSet& patches) {
  double sum = 0.0;
  for (const auto* stage : {&patches.loras, &patches.hooks}) {
    for (const Patch& patch : *stage)
      sum += patch.strength;
  }
  return static_cast<float>(sum);
}

class SimModel : public LoadedModel {
 public:
  SimModel(models::Inspection inspection, Delay delay)
      : info_(std::move(inspection.info)), files_(std::move(inspection.files)), delay_(delay) {}

  const ModelInfo& info() const override { return info_; }
  const std::vector<FileStamp>& files() const override { return files_; }
  void load(ModelPart, models::WeightCopies&) override {}
  void unload(ModelPart) override {}
  std::uint64_t bytes_of(ModelPart) const override { return 0; }
  void set_patch_budget(std::uint64_t) override {}

  // The text's bytes, spread over the cond.
  TextOutput encode_text(const TextInput& input) override {
    wait();
    at::Tensor cond = at::zeros({1, kSimTokens, info_.context_width});
    for (const TextSection& section : input.sections) {
      for (std::size_t i = 0; i < section.text.size(); ++i) {
        cond[0][static_cast<std::int64_t>(i) % kSimTokens] += section.text[i] / 128.0;
      }
    }
    TextOutput output{cond, {}, {}};
    if (info_.pooled_width > 0) output.pooled = at::zeros({1, info_.pooled_width});
    return output;
  }

  std::unique_ptr<ModelCond> prepare(const CondInput& cond) override {
    return std::make_unique<SimCond>(cond.context);
  }

  at::Tensor denoise(const at::Tensor& x, const NoiseLevels& sigma,
                     std::span<const ModelCond* const> conds, const SigmaParameters&,
                     const LatentRegion&, const PatchSet& patches, const MotionUse&) override {
    wait();
    std::vector<at::Tensor> results;
    const at::Tensor level = at::tensor(sigma.sigmas).reshape({-1, 1, 1, 1});
    const at::Tensor scaled = x / (1.0F + level * level);
    for (const ModelCond* cond : conds) {
      const float mean = static_cast<const SimCond&>(*cond).mean;
      results.push_back(scaled + mean + influence_of(patches));
    }
    return at::stack(results);
  }

  at::Tensor forward(const at::Tensor& x, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                     const PatchSet& patches, const MotionUse&) override {
    wait();
    return x + influence_of(patches);
  }

  at::Tensor decode(const at::Tensor& latent) override {
    return (decode_tile(latent) * 0.5F + 0.5F).clamp(0, 1);
  }

  at::Tensor decode_tile(const at::Tensor& latent) override {
    wait();
    return enlarged(latent.narrow(1, 0, 3).permute({0, 2, 3, 1}), 8);
  }

  at::Tensor encode(const at::Tensor& image) override {
    wait();
    const at::Tensor cells = at::avg_pool2d(image.permute({0, 3, 1, 2}), 8);
    return cells.mean(1, true).expand({-1, info_.latent.channels, -1, -1}).contiguous();
  }

  at::Tensor upscale(const at::Tensor& image) override {
    wait();
    return enlarged(image, info_.upscale);
  }

 private:
  static at::Tensor enlarged(const at::Tensor& image, int times) {
    return image.repeat_interleave(times, 1).repeat_interleave(times, 2).contiguous();
  }
  void wait() const { std::this_thread::sleep_for(delay_); }

  ModelInfo info_;
  std::vector<FileStamp> files_;
  Delay delay_;
};

class SimDevice : public Device {
 public:
  explicit SimDevice(Delay delay) : delay_(delay) {}

  void describe(WorkerHello& hello) const override {
    hello.device = "sim";
    hello.description = "simulated";
  }

  std::unique_ptr<LoadedModel> open(const ModelSpec& spec) override {
    return std::make_unique<SimModel>(models::inspect_model(spec), delay_);
  }

 private:
  Delay delay_;
};

}  // namespace

std::unique_ptr<Device> make_sim_device(std::string_view delay, const DeviceOptions&) {
  return std::make_unique<SimDevice>(parse_delay(delay));
}

}  // namespace tandem::worker

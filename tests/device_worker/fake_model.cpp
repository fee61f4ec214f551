#include "tests/device_worker/fake_model.hpp"

#include <limits>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

FileStamp stamp_of(const std::string& file) {
  return {file, 1, 2, 3, 4};
}

}  // namespace

void FakeModel::load(ModelPart part, models::WeightCopies&) {
  if (part == ModelPart::kVae) throw Error(ErrorCode::kMissingTensor, "no VAE here");
  ++loads;
}

TextOutput FakeModel::encode_text(const TextInput& input) {
  TextOutput output;
  output.tokens = {{"l", {{{static_cast<std::int64_t>(input.sections.size()), 1.0}}}}};
  if (input.want_cond) output.cond = at::ones({1, 77, 4});
  return output;
}

std::unique_ptr<ModelCond> FakeModel::prepare(const CondInput& cond) {
  ++prepared;
  return std::make_unique<FakeCond>(cond.context.sum().item<float>());
}

at::Tensor FakeModel::denoise(const at::Tensor& x, const NoiseLevels& sigma,
                              std::span<const ModelCond* const> conds, const SigmaParameters&,
                              const LatentRegion&, const PatchSet&, const MotionUse&) {
  std::vector<at::Tensor> results;
  for (const ModelCond* cond : conds) {
    results.push_back(x * sigma.sigmas.front() + static_cast<const FakeCond*>(cond)->value);
  }
  return at::stack(results);
}

at::Tensor FakeModel::forward(const at::Tensor& x, const at::Tensor&, const at::Tensor& context,
                              const at::Tensor&, const PatchSet&, const MotionUse&) {
  return context.defined() ? x + 1 : x;
}

at::Tensor FakeModel::decode(const at::Tensor& latent) {
  return latent * std::numeric_limits<float>::quiet_NaN();
}

at::Tensor FakeModel::encode(const at::Tensor& image) {
  return image.permute({0, 3, 1, 2}).contiguous();
}

at::Tensor FakeModel::upscale(const at::Tensor& image) {
  return image.repeat_interleave(2, 1).repeat_interleave(2, 2);
}

std::unique_ptr<LoadedModel> FakeDevice::open(const ModelSpec& spec) {
  auto model = std::make_unique<FakeModel>(std::vector{stamp_of(spec.file)});
  last = model.get();
  return model;
}

LoadModel load_message(ModelId id, const std::string& file, ModelPart part) {
  ModelSpec spec;
  spec.file = file;
  return {id, spec, {stamp_of(file)}, part};
}

}  // namespace tandem::worker

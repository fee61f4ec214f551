#include "coordinator/execution/job_inputs.hpp"

#include <algorithm>
#include <cstring>

#include <ATen/ATen.h>

#include "models/tensor/tensor_view.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kAny = -1;

// What the tensor at a place of the job must be.
struct Rule {
  std::string what;                 // for the message: "(rows, tokens, 768)"
  std::vector<std::int64_t> shape;  // kAny where any size from 1 will do
  bool whole_numbers = false;
};

// 0: the model says nothing about it.
std::int64_t size_or_any(int size) {
  return size > 0 ? size : kAny;
}

std::string width(int size) {
  return size > 0 ? std::to_string(size) : "width";
}

std::string describe(const TensorLayout& layout) {
  std::string text = "(";
  for (std::size_t i = 0; i < layout.shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(layout.shape[i]);
  }
  return text + ") of type " + std::string(safetensors_name(layout.dtype));
}

bool fits(const TensorLayout& layout, const Rule& rule) {
  if (layout.shape.size() != rule.shape.size()) return false;
  for (std::size_t i = 0; i < rule.shape.size(); ++i) {
    const std::int64_t size = layout.shape[i];
    if (size < 1 || (rule.shape[i] != kAny && size != rule.shape[i])) return false;
  }
  const bool whole = layout.dtype == DType::kI64 || layout.dtype == DType::kI32;
  const bool real = layout.dtype == DType::kF32 || layout.dtype == DType::kF16 ||
                    layout.dtype == DType::kBF16 || layout.dtype == DType::kF64;
  return rule.whole_numbers ? whole : real || whole;
}

void check(const AcceptedJob& job, const std::string& name, const std::string& path,
           const Rule& rule) {
  const TensorLayout& layout = tensor_layout(job, name, path);
  if (fits(layout, rule)) return;
  throw Error(
      ErrorCode::kBadShape,
      path + ": expected a tensor of shape " + rule.what + ", found " + describe(layout) + ".", {},
      path);
}

void check_mask(const AcceptedJob& job, const std::string& name, const std::string& path) {
  const Rule rule = {"(height, width), (rows, height, width) or (rows, 1, height, width)",
                     {kAny, kAny}};
  const std::size_t dims = job.tensors ? job.tensors->layout(name, path).shape.size() : 0;
  if (dims == 3) return check(job, name, path, {rule.what, {kAny, kAny, kAny}});
  if (dims == 4) return check(job, name, path, {rule.what, {kAny, 1, kAny, kAny}});
  check(job, name, path, rule);
}

void check_inpainting(const AcceptedJob& job, const job::Cond& cond, const std::string& path) {
  if (!cond.concat_latent_image && !cond.concat_mask) return;
  const std::string key =
      path + (cond.concat_latent_image ? ".concat_latent_image" : ".concat_mask");
  if (job.info.has_unet && job.info.unet_in_channels == job.info.latent.channels) {
    throw Error(ErrorCode::kBadRequest, key + ": the model takes no masked latent beside its own.",
                "Choose an inpainting checkpoint, or leave the key out.", key);
  }
  if (cond.concat_mask) check_mask(job, *cond.concat_mask, path + ".concat_mask");
  if (!cond.concat_latent_image) return;
  check(job, *cond.concat_latent_image, key,
        {"(rows, " + std::to_string(job.info.latent.channels) + ", height, width)",
         {kAny, job.info.latent.channels, kAny, kAny}});
}

void check_place(const AcceptedJob& job, const job::Cond& cond, const std::string& path) {
  if (cond.mask) return check_mask(job, *cond.mask, path + ".mask");
  if (!cond.set_area_to_bounds) return;
  throw Error(ErrorCode::kBadRequest, path + ".set_area_to_bounds: there is no mask.",
              "Name a mask beside it.", path + ".set_area_to_bounds");
}

void check_conds(const AcceptedJob& job, const std::vector<job::Cond>& conds,
                 const std::string& key) {
  for (std::size_t i = 0; i < conds.size(); ++i) {
    check_cond_tensors(job, conds[i], key + "[" + std::to_string(i) + "]");
  }
}

void check_latent(const AcceptedJob& job) {
  if (!job.job.latent) return;
  if (const auto* latent = std::get_if<job::TensorLatent>(&*job.job.latent)) {
    check(job, latent->tensor, "latent.tensor",
          {"(batch, " + std::to_string(job.info.latent.channels) + ", height, width)",
           {kAny, job.info.latent.channels, kAny, kAny}});
  }
  if (const auto* image = std::get_if<job::ImageLatent>(&*job.job.latent)) {
    check(job, image->image, "latent.image", {"(batch, height, width, 3)", {kAny, kAny, kAny, 3}});
  }
}

void check_forward(const AcceptedJob& job) {
  if (!job.job.forward) return;
  const job::Forward& forward = *job.job.forward;
  check(job, forward.x, "forward.x",
        {"(batch, " + std::to_string(job.info.unet_in_channels) + ", height, width)",
         {kAny, job.info.unet_in_channels, kAny, kAny}});
  check(job, forward.timestep, "forward.timestep", {"(batch)", {kAny}});
  if (forward.context) {
    check(job, *forward.context, "forward.context",
          {"(batch, tokens, " + std::to_string(job.info.context_width) + ")",
           {kAny, kAny, job.info.context_width}});
  }
  if (forward.y) check(job, *forward.y, "forward.y", {"(batch, width)", {kAny, kAny}});
}

}  // namespace

const TensorLayout& tensor_layout(const AcceptedJob& job, const std::string& name,
                                  const std::string& path) {
  if (job.tensors) return job.tensors->layout(name, path);
  throw Error(ErrorCode::kMissingTensor,
              path + ": the tensor '" + name + "' was named, but the job came without tensors.", {},
              path);
}

at::Tensor load_tensor(const AcceptedJob& job, const std::string& name, const std::string& path) {
  const TensorLayout& layout = job.tensors->layout(name, path);
  const auto bytes = job.tensors->bytes(name);
  at::Tensor tensor =
      at::empty(layout.shape, at::TensorOptions(models::scalar_type_of(layout.dtype)));
  std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

void check_cond_tensors(const AcceptedJob& job, const job::Cond& cond, const std::string& path) {
  check_place(job, cond, path);
  check_inpainting(job, cond, path);
  if (const auto* tokens = std::get_if<job::TokenPrompt>(&cond.prompt)) {
    check(job, tokens->tokens, path + ".tokens",
          {"(chunks, 77) of whole numbers", {kAny, 77}, true});
    if (!tokens->weights.empty()) {
      check(job, tokens->weights, path + ".weights", {"(chunks, 77)", {kAny, 77}});
    }
  }
  if (const auto* encoded = std::get_if<job::EncodedPrompt>(&cond.prompt)) {
    check(job, encoded->cond, path + ".cond",
          {"(rows, tokens, " + width(job.info.context_width) + ")",
           {kAny, kAny, size_or_any(job.info.context_width)}});
    if (!encoded->pooled.empty()) {
      check(job, encoded->pooled, path + ".pooled",
            {"(rows, " + width(job.info.pooled_width) + ")",
             {kAny, size_or_any(job.info.pooled_width)}});
    }
  }
}

void check_input_tensor(const AcceptedJob& job, const std::string& name, const std::string& path,
                        const std::string& what, const std::vector<std::int64_t>& shape) {
  check(job, name, path, {what, shape});
}

void check_tensors(const AcceptedJob& job) {
  check_conds(job, job.job.positive, "positive");
  check_conds(job, job.job.negative, "negative");
  check_conds(job, job.job.middle, "middle");
  check_latent(job);
  check_forward(job);
  if (job.job.noise.tensor) {
    check(job, *job.job.noise.tensor, "noise.tensor",
          {"of the latent, (batch, channels, height, width)", {kAny, kAny, kAny, kAny}});
  }
  if (job.job.upscale && job.job.upscale->image) {
    check(job, *job.job.upscale->image, "upscale.image",
          {"(batch, height, width, 3)", {kAny, kAny, kAny, 3}});
  }
  if (job.job.noise_mask) check_mask(job, *job.job.noise_mask, "noise_mask");
  if (job.job.sampler && job.job.sampler->sigmas) {
    check(job, *job.job.sampler->sigmas, "sampler.sigmas", {"(sigmas)", {kAny}});
  }
}

}  // namespace tandem::coordinator

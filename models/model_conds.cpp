#include "models/model_conds.hpp"

#include <numeric>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "models/layers/embedding.hpp"
#include "models/tensor/latent_region.hpp"
#include "models/tensor/repeat_to_batch.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

std::string text_of(const at::Tensor& tensor) {
  std::string text = "(";
  for (const std::int64_t size : tensor.sizes()) {
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  }
  return text + ")";
}

void check_shape(const at::Tensor& tensor, std::int64_t dims, std::int64_t width_dim,
                 std::int64_t width, const std::string& what) {
  if (tensor.dim() == dims && tensor.size(width_dim) == width && tensor.numel() > 0) return;
  throw Error(ErrorCode::kBadShape, what + " should have " + std::to_string(dims) +
                                        " dimensions, with " + std::to_string(width) + " along " +
                                        std::to_string(width_dim) + "; it has " + text_of(tensor) +
                                        ".");
}

// (1, sizes * 256) float32
at::Tensor embed_sizes(const std::array<double, 6>& sizes) {
  at::Tensor numbers = at::empty({kSizeCount}, at::kFloat);
  for (std::int64_t i = 0; i < kSizeCount; ++i) {
    numbers.mutable_data_ptr<float>()[i] =
        static_cast<float>(sizes.at(static_cast<std::size_t>(i)));
  }
  return timestep_embedding(numbers, kSizeEmbeddingWidth).flatten().unsqueeze(0);
}

at::Tensor pooled_and_sizes(const CondInputs& inputs, const ModelInfo& info) {
  if (!inputs.pooled.defined() || !inputs.sizes) {
    throw Error(ErrorCode::kBadRequest,
                "A cond for " + info.display_name + " needs a pooled vector and sizes; it has no " +
                    (inputs.pooled.defined() ? "sizes." : "pooled vector."),
                "Give \"pooled\" beside \"cond\", or a text.");
  }
  check_shape(inputs.pooled, 2, 1, info.pooled_width, "A pooled vector");
  const at::Tensor sizes = embed_sizes(*inputs.sizes);
  return at::cat({inputs.pooled.to(at::kFloat), sizes.expand({inputs.pooled.size(0), -1})}, 1);
}

at::Tensor vector_condition(const CondInputs& inputs, const ModelInfo& info) {
  if (!inputs.y.defined()) return pooled_and_sizes(inputs, info);
  check_shape(inputs.y, 2, 1, info.pooled_width + kSizeCount * kSizeEmbeddingWidth, "A cond's y");
  return inputs.y;
}

std::optional<at::Tensor> prepare_concat(const CondInputs& inputs, const ModelInfo& info,
                                         at::Device device) {
  const int channels = info.unet_in_channels - info.latent.channels;
  if (channels == 0 && !inputs.concat.defined()) return std::nullopt;
  if (!inputs.concat.defined()) {
    throw Error(ErrorCode::kUnsupported,
                "This is an inpainting model: its conds need a mask and a masked latent.");
  }
  check_shape(inputs.concat, 4, 1, channels, "A cond's concat tensor");
  return inputs.concat.to(device, at::kFloat);
}

// One part per cond, one after the other, or none at all.
std::optional<at::Tensor> join(const std::vector<at::Tensor>& parts, std::size_t conds) {
  if (parts.empty()) return std::nullopt;
  if (parts.size() != conds) {
    throw Error(ErrorCode::kBadRequest, "Conds of different kinds cannot share a forward pass.");
  }
  return at::cat(parts);
}

// A row for each item of the batch, or that of the one item which is left of it.
at::Tensor rows_for(const at::Tensor& rows, std::int64_t batch, const LatentRegion& region) {
  return region.item ? rows.narrow(0, *region.item % rows.size(0), 1)
                     : repeat_to_batch(rows, batch);
}

}  // namespace

PreparedCond prepare_cond(const CondInputs& inputs, const Family& family, const ModelInfo& info,
                          const at::TensorOptions& options) {
  check_shape(inputs.context, 3, 2, info.context_width, "A cond");
  PreparedCond cond{inputs.context.to(options), std::nullopt,
                    prepare_concat(inputs, info, options.device())};
  if (family.vector_condition == VectorCondition::kPooledAndSizes) {
    cond.y = vector_condition(inputs, info).to(options);
  }
  return cond;
}

at::Tensor join_contexts(std::span<const PreparedCond* const> conds, std::int64_t batch,
                         const LatentRegion& region) {
  std::int64_t tokens = 1;
  for (const PreparedCond* cond : conds)
    tokens = std::lcm(tokens, cond->context.size(1));
  std::vector<at::Tensor> contexts;
  for (const PreparedCond* cond : conds) {
    const std::int64_t repeats = tokens / cond->context.size(1);
    contexts.push_back(rows_for(cond->context, batch, region).repeat({1, repeats, 1}));
  }
  return at::cat(contexts);
}

std::optional<at::Tensor> join_vectors(std::span<const PreparedCond* const> conds,
                                       std::int64_t batch, const LatentRegion& region) {
  std::vector<at::Tensor> vectors;
  for (const PreparedCond* cond : conds) {
    if (cond->y) vectors.push_back(rows_for(*cond->y, batch, region));
  }
  return join(vectors, conds.size());
}

std::optional<at::Tensor> join_concats(std::span<const PreparedCond* const> conds,
                                       std::int64_t batch, const LatentRegion& region) {
  const LatentRegion place = {region.window, region.area};
  std::vector<at::Tensor> concats;
  for (const PreparedCond* cond : conds) {
    if (cond->concat) concats.push_back(rows_for(crop(*cond->concat, place), batch, region));
  }
  return join(concats, conds.size());
}

}  // namespace tandem::models

#include "models/layers/norm.hpp"

#include <ATen/ATen.h>

#include "models/layers/group_norm.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// (n, channels, h, w) -> (n / items, channels, items, h, w)
at::Tensor joined(const at::Tensor& x, std::int64_t items) {
  return x.unflatten(0, {-1, items}).transpose(1, 2).contiguous();
}

// And back.
at::Tensor apart(const at::Tensor& joint, const at::Tensor& like) {
  return joint.transpose(1, 2).flatten(0, 1).contiguous(like.suggest_memory_format());
}

}  // namespace

GroupNorm::GroupNorm(const Weights& weights, const std::string& prefix, std::int64_t groups,
                     double eps, std::int64_t channels)
    : weight_(weights.load(prefix + ".weight", {channels})),
      bias_(weights.load(prefix + ".bias", {weight_.size(0)})),
      groups_(groups),
      eps_(eps) {
  if (weight_.size(0) % groups != 0) {
    throw Error(ErrorCode::kBadShape, "'" + weights.full_name(prefix) +
                                          "' should have a multiple of " + std::to_string(groups) +
                                          " channels, it has " + std::to_string(weight_.size(0)) +
                                          ".");
  }
}

at::Tensor GroupNorm::operator()(const at::Tensor& x) const {
  return group_norm(x, weight_, bias_, {.groups = groups_, .eps = eps_});
}

at::Tensor GroupNorm::silu(const at::Tensor& x) const {
  return group_norm(x, weight_, bias_, {.groups = groups_, .eps = eps_, .silu = true});
}

at::Tensor GroupNorm::operator()(const at::Tensor& x, std::int64_t items) const {
  return items == 1 ? (*this)(x) : apart((*this)(joined(x, items)), x);
}

at::Tensor GroupNorm::silu(const at::Tensor& x, std::int64_t items) const {
  return items == 1 ? silu(x) : apart(silu(joined(x, items)), x);
}

LayerNorm::LayerNorm(const Weights& weights, const std::string& prefix, double eps,
                     std::int64_t width)
    : weight_(weights.load(prefix + ".weight", {width})),
      bias_(weights.load(prefix + ".bias", {weight_.size(0)})),
      eps_(eps) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, {weight_.size(0)}, weight_, bias_, eps_);
}

}  // namespace tandem::models

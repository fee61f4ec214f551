#include "models/patches/deltas.hpp"

#include <array>
#include <limits>
#include <string>
#include <utility>

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include "models/patches/delta_tensors.hpp"
#include "models/patches/orthogonal.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// Weight-decomposed adaptation (Liu et al., "DoRA", 2024): the sum is brought to the length of
// `dora_scale`, along the axis on which the file keeps it. Norms over the outputs are the old
// weight's, those over the inputs the sum's: ComfyUI's weight_decompose.
at::Tensor decompose(const at::Tensor& weight, const at::Tensor& difference,
                     const at::Tensor& dora_scale, double strength) {
  const at::Tensor sum = weight + difference;
  const bool by_output = dora_scale.size(0) == sum.size(0);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(weight.dim()), 1);
  const std::int64_t axis = by_output ? 0 : 1;
  shape[static_cast<std::size_t>(axis)] = weight.size(axis);
  const at::Tensor rows = by_output ? weight : sum.transpose(0, 1);
  const at::Tensor lengths =
      at::linalg_vector_norm(rows.reshape({rows.size(0), -1}), 2, {1}).reshape(shape);
  const at::Tensor scaled = sum * (dora_scale / (lengths + std::numeric_limits<float>::epsilon()));
  return strength == 1.0 ? scaled : weight + strength * (scaled - weight);
}

// weight + strength * scale * difference, decomposed where the file says so.
at::Tensor add(const at::Tensor& weight, const DeltaTensors& tensors, double scale,
               const at::Tensor& difference, double strength) {
  const at::Tensor shaped = difference.reshape(weight.sizes());
  if (const auto dora_scale = tensors.try_get(kDoraScale)) {
    return decompose(weight, shaped * scale, *dora_scale, strength);
  }
  return weight + (strength * scale) * shaped;
}

// A core tensor (i, j, ...) between two matrices: sum over i, j of core * a[i, p] * b[j, r].
at::Tensor tucker(const at::Tensor& core, const at::Tensor& a, const at::Tensor& b) {
  return at::einsum("ij...,jr,ip->pr...", {core, b, a});
}

// Low rank (Hu et al., "LoRA", 2021); of convolutions with a core in the middle.
at::Tensor apply_lora(const at::Tensor& weight, const DeltaTensors& tensors, double strength) {
  const at::Tensor up = tensors.get(0);
  at::Tensor down = tensors.get(1);
  const double scale = tensors.alpha_over(down.size(0));
  if (const auto middle = tensors.try_get(2)) {
    const at::Tensor columns =
        at::mm(down.transpose(0, 1).flatten(1), middle->transpose(0, 1).flatten(1));
    down = columns.reshape({down.size(1), down.size(0), middle->size(2), middle->size(3)})
               .transpose(0, 1);
  }
  return add(weight, tensors, scale, at::mm(up.flatten(1), down.flatten(1)), strength);
}

// The elementwise product of two low ranks (Hyeon-Woo et al., "FedPara", 2021).
at::Tensor apply_loha(const at::Tensor& weight, const DeltaTensors& tensors, double strength) {
  const at::Tensor w1_a = tensors.get(0), w1_b = tensors.get(1);
  const at::Tensor w2_a = tensors.get(2), w2_b = tensors.get(3);
  const double scale = tensors.alpha_over(w1_b.size(0));
  const auto core = tensors.try_get(4);
  const at::Tensor difference = core
                                    ? tucker(*core, w1_a, w1_b) * tucker(tensors.get(5), w2_a, w2_b)
                                    : at::mm(w1_a, w1_b) * at::mm(w2_a, w2_b);
  return add(weight, tensors, scale, difference, strength);
}

// A Kronecker product (Edalati et al., "KronA", 2022), each factor whole or of low rank. Alpha
// counts for factors of low rank only, over the rank of the second if both are.
at::Tensor apply_lokr(const at::Tensor& weight, const DeltaTensors& tensors, double strength) {
  double scale = 1.0;
  auto w1 = tensors.try_get(0);
  if (!w1) {
    const at::Tensor b = tensors.get(4);
    scale = tensors.alpha_over(b.size(0));
    w1 = at::mm(tensors.get(2), b);
  }
  auto w2 = tensors.try_get(1);
  if (!w2) {
    const at::Tensor b = tensors.get(5);
    scale = tensors.alpha_over(b.size(0));
    const auto core = tensors.try_get(6);
    w2 = core ? tucker(*core, tensors.get(3), b) : at::mm(tensors.get(3), b);
  }
  if (w2->dim() == 4) w1 = w1->unsqueeze(2).unsqueeze(2);
  return add(weight, tensors, scale, at::kron(*w1, *w2), strength);
}

// Whether the tensors are those of LyCORIS' first GLoRA, whose factors stand the other way round.
bool is_old_glora(const at::Tensor& weight, const std::array<at::Tensor, 4>& t) {
  const auto& [a1, a2, b1, b2] = t;
  const auto all = [](std::int64_t rank, std::int64_t x, std::int64_t y, std::int64_t z) {
    return rank == x && rank == y && rank == z;
  };
  if (!all(b2.size(1), b1.size(0), a1.size(0), a2.size(1))) return false;
  if (!all(b2.size(0), b1.size(1), a1.size(1), a2.size(0))) return true;
  return a2.size(0) == weight.size(0) && weight.size(0) == weight.size(1);
}

// The weight itself through a low rank, plus a low rank (Chavan et al., "GLoRA", 2023).
at::Tensor apply_glora(const at::Tensor& weight, const DeltaTensors& tensors, double strength) {
  const std::array<at::Tensor, 4> t = {tensors.get(0).flatten(1), tensors.get(1).flatten(1),
                                       tensors.get(2).flatten(1), tensors.get(3).flatten(1)};
  const auto& [a1, a2, b1, b2] = t;
  if (is_old_glora(weight, t)) {
    const at::Tensor through = at::mm(at::mm(weight.flatten(1), a2), a1);
    return add(weight, tensors, tensors.alpha_over(a1.size(0)), at::mm(b2, b1) + through, strength);
  }
  const at::Tensor through =
      at::einsum("oi...,ij->oj...", {at::einsum("oi...,ij->oj...", {weight, a1}), a2});
  return add(weight, tensors, tensors.alpha_over(a2.size(0)),
             through + at::mm(b1, b2).reshape(weight.sizes()), strength);
}

// Orthogonal: by blocks (Qiu et al., "OFT", 2023), or by butterflies of them (Liu et al., "BOFT",
// 2023), which have one dimension more.
at::Tensor apply_oft(const at::Tensor& weight, const DeltaTensors& tensors, double strength) {
  const at::Tensor blocks = tensors.get(0);
  const double limit = tensors.alpha().value_or(0.0);
  if (blocks.dim() == 3) {
    return add(weight, tensors, 1.0, rotate_blocks(weight, blocks, limit, strength), strength);
  }
  return add(weight, tensors, 1.0,
             rotate_butterfly(weight, blocks, tensors.try_get(1), limit, strength), strength);
}

at::Tensor apply_diff(const at::Tensor& weight, const DeltaTensors& tensors, double strength) {
  const at::Tensor difference = tensors.get(0);
  TORCH_CHECK(difference.sizes() == weight.sizes());
  return weight + strength * difference;
}

// Whatever the strength.
at::Tensor apply_set(const at::Tensor& weight, const DeltaTensors& tensors, double) {
  return tensors.get(0).expand_as(weight).clone();
}

using Apply = at::Tensor (*)(const at::Tensor&, const DeltaTensors&, double);

// In the order of DeltaFormat.
constexpr std::array<Apply, 7> kApply = {apply_lora, apply_loha, apply_lokr, apply_glora,
                                         apply_oft,  apply_diff, apply_set};

}  // namespace

at::Tensor apply_delta(const at::Tensor& weight, const TensorMap& file, const NamedDelta& delta,
                       double strength) {
  const DeltaTensors tensors(file, delta, weight.device());
  tensors.check_shape_kept(weight);
  try {
    return kApply.at(static_cast<std::size_t>(delta.row->format))(weight, tensors, strength);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error&) {  // sizes that do not fit
    throw Error(ErrorCode::kBadShape,
                "The tensors of '" + delta.name + "' do not fit the weight '" +
                    delta.target.weight + "' of shape " + c10::str(weight.sizes()) + ".",
                "The file may be made for another model.");
  }
}

}  // namespace tandem::models

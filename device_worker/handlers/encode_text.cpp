#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"

namespace tandem::worker {
namespace {

TextInput text_input(const EncodeText& unit, const TensorExchange& tensors) {
  TextInput input;
  input.sections = unit.sections;
  if (unit.token_ids) input.token_ids = tensors.open(*unit.token_ids);
  if (unit.token_weights) input.token_weights = tensors.open(*unit.token_weights);
  input.clip_skip = unit.clip_skip;
  input.want_cond = unit.want_cond;
  input.patches = unit.patches;
  input.embeddings = unit.embeddings;
  return input;
}

}  // namespace

EncodeTextResult run(const EncodeText& unit, UnitContext& context) {
  TextOutput output = context.models.at(unit.model).encode_text(text_input(unit, context.tensors));
  EncodeTextResult result;
  result.tokens = std::move(output.tokens);
  // How long a text becomes is known only now, so there is no slot: it travels in the message.
  if (output.cond.defined()) {
    check_finite(output.cond, "The encoded text");
    result.cond = context.tensors.offer(output.cond, {});
  }
  if (output.pooled.defined()) result.pooled = context.tensors.offer(output.pooled, {});
  return result;
}

}  // namespace tandem::worker

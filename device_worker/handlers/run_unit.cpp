#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {

UnitResult run_unit(const Unit& unit, UnitContext& context) {
  return std::visit([&](const auto& u) -> UnitResult { return run(u, context); }, unit);
}

void check_finite(const at::Tensor& tensor, const char* what) {
  // One pass: a sum over float32 is finite or not as its terms are, but for an overflow of the sum
  // itself.
  if (at::sum(tensor, at::kDouble).isfinite().item<bool>()) return;
  throw Error(ErrorCode::kNotFinite, std::string(what) + " holds values that are not finite.",
              "Half precision overflows with some models: try \"dtype\": \"fp32\".");
}

}  // namespace tandem::worker

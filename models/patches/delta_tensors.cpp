#include "models/patches/delta_tensors.hpp"

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {

const at::Tensor* DeltaTensors::find(std::string_view ending) const {
  const auto found = file_.find(delta_.name + std::string(ending));
  return found != file_.end() ? &found->second : nullptr;
}

std::optional<at::Tensor> DeltaTensors::try_get(std::string_view ending) const {
  const at::Tensor* stored = find(ending);
  if (stored == nullptr) return std::nullopt;
  return stored->to(device_, at::kFloat);
}

std::optional<at::Tensor> DeltaTensors::try_get(std::size_t ending) const {
  if (ending >= delta_.row->endings.size()) return std::nullopt;
  return try_get(delta_.row->endings[ending]);
}

at::Tensor DeltaTensors::get(std::size_t ending) const {
  if (auto tensor = try_get(ending)) return *std::move(tensor);
  throw Error(ErrorCode::kMissingTensor,
              "The file has '" + delta_.name + std::string(delta_.row->endings.front()) +
                  "' or a part of its kind, but no '" + delta_.name +
                  std::string(delta_.row->endings.at(ending)) + "'.",
              "The file may be incomplete.");
}

std::optional<double> DeltaTensors::alpha() const {
  const at::Tensor* stored = find(kAlpha);
  if (stored == nullptr) return std::nullopt;
  if (stored->numel() == 1) return stored->to(at::kDouble).item<double>();
  throw Error(ErrorCode::kBadShape, "'" + delta_.name + std::string(kAlpha) +
                                        "' should be one number, it has " +
                                        std::to_string(stored->numel()) + ".");
}

double DeltaTensors::alpha_over(std::int64_t rank) const {
  const auto scale = alpha();
  return scale ? *scale / static_cast<double>(rank) : 1.0;
}

void DeltaTensors::check_shape_kept(const at::Tensor& weight) const {
  const at::Tensor* asked = find(kReshape);
  if (asked == nullptr || delta_.row->format != DeltaFormat::kLora) return;
  const at::Tensor sizes = asked->to(at::kCPU, at::kLong).flatten().contiguous();
  const at::IntArrayRef shape(sizes.const_data_ptr<std::int64_t>(),
                              static_cast<std::size_t>(sizes.numel()));
  if (shape == weight.sizes()) return;
  throw Error(ErrorCode::kUnsupported, "'" + delta_.name + "' gives its weight the shape " +
                                           c10::str(shape) + " in place of " +
                                           c10::str(weight.sizes()) +
                                           "; LoRAs that enlarge weights are not supported.");
}

}  // namespace tandem::models

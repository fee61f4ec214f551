#include "coordinator/execution/windows_json.hpp"

#include <ATen/ATen.h>
#include <boost/json/array.hpp>

#include "coordinator/sampling/context/context_windows.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kMaxIndices = 1'000'000;

boost::json::array numbers(const at::Tensor& values) {
  const at::Tensor contiguous = values.contiguous();
  const float* const data = contiguous.const_data_ptr<float>();
  return boost::json::array(data, data + contiguous.numel());
}

std::size_t count_indices(const std::vector<LatentWindow>& windows) {
  std::size_t count = 0;
  for (const LatentWindow& window : windows)
    count += window.indices.size();
  return count;
}

boost::json::object step_json(const job::Context& context, at::IntArrayRef latent_shape,
                              const std::vector<LatentWindow>& windows) {
  boost::json::array indices;
  boost::json::array weights;
  for (const LatentWindow& window : windows) {
    indices.push_back(boost::json::array(window.indices.begin(), window.indices.end()));
    weights.push_back(numbers(context_weights(context, latent_shape, window)));
  }
  return {{"windows", std::move(indices)}, {"weights", std::move(weights)}};
}

}  // namespace

boost::json::object windows_json(const job::Context& context, at::IntArrayRef latent_shape,
                                 std::size_t steps) {
  needs_windows(context, latent_shape);
  boost::json::array entries;
  std::size_t indices = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::vector<LatentWindow> windows = windows_at(context, latent_shape, step);
    indices += count_indices(windows);
    if (indices > kMaxIndices) {
      throw Error(ErrorCode::kOutOfRange,
                  "The windows of these steps have more than " + std::to_string(kMaxIndices) +
                      " indices in all.",
                  "Ask for the windows of fewer steps.", "output.windows");
    }
    entries.push_back(step_json(context, latent_shape, windows));
  }
  return {{"windows", std::move(entries)}};
}

}  // namespace tandem::coordinator

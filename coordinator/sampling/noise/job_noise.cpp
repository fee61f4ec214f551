#include "coordinator/sampling/noise/job_noise.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/shapes.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr int kMaxBatchIndex = 65'535;

void check_batch_index(const std::vector<int>& index, std::int64_t batch) {
  for (const int i : index) {
    if (i >= 0 && i <= kMaxBatchIndex) continue;
    throw Error(ErrorCode::kOutOfRange,
                "A batch index is 0 to " + std::to_string(kMaxBatchIndex) + ", not " +
                    std::to_string(i) + ".",
                "", "noise.batch_index");
  }
  if (static_cast<std::int64_t>(index.size()) != batch) {
    throw Error(ErrorCode::kBadShape,
                "The latent has " + std::to_string(batch) + " items, noise.batch_index names " +
                    std::to_string(index.size()) + ".",
                "Name one index per item of the latent.", "noise.batch_index");
  }
}

// ComfyUI's prepare_noise with indices: items that nobody asked for are drawn all the same.
at::Tensor draw_items(NoiseGenerator& generator, const std::vector<int>& index,
                      at::IntArrayRef shape) {
  std::vector<std::int64_t> item_shape = shape.vec();
  item_shape[0] = 1;
  std::vector<at::Tensor> chosen(index.size());
  const int last = *std::max_element(index.begin(), index.end());
  for (int i = 0; i <= last; ++i) {
    const at::Tensor item = generator.draw(item_shape);
    for (std::size_t k = 0; k < index.size(); ++k) {
      if (index[k] == i) chosen[k] = item;
    }
  }
  return at::cat(chosen);
}

at::Tensor given_noise(const at::Tensor& given, at::IntArrayRef shape) {
  if (given.sizes() != shape) {
    throw Error(ErrorCode::kBadShape,
                "Given noise has the latent's shape " + shape_text(shape) + ", not " +
                    shape_text(given.sizes()) + ".",
                "", "noise.tensor");
  }
  return given.to(at::kCPU, at::kFloat);
}

}  // namespace

JobNoise make_job_noise(const job::Noise& noise, const std::optional<at::Tensor>& given,
                        bool add_noise, at::IntArrayRef latent_shape) {
  NoiseGenerator generator(noise.seed);
  at::Tensor starting;
  if (!add_noise) {
    starting = at::zeros(latent_shape, at::kFloat);
  } else if (given) {
    starting = given_noise(*given, latent_shape);
  } else if (noise.batch_index.empty()) {
    starting = generator.draw(latent_shape);
  } else {
    check_batch_index(noise.batch_index, latent_shape[0]);
    starting = draw_items(generator, noise.batch_index, latent_shape);
  }
  return {starting, std::move(generator)};
}

NoiseSource sampler_noise_source(const job::Noise& noise, std::string_view device_kind) {
  const bool on_cuda = noise.sampler_device == job::NoiseDevice::kCuda ||
                       (noise.sampler_device == job::NoiseDevice::kDefault && device_kind == "gpu");
  return on_cuda ? NoiseSource::kCuda : NoiseSource::kCpu;
}

NoiseGenerator make_sampler_noise(const job::Noise& noise, NoiseSource source) {
  const std::uint64_t default_seed = source == NoiseSource::kCuda ? noise.seed : noise.seed + 1;
  return NoiseGenerator(noise.sampler_seed.value_or(default_seed), source);
}

std::uint64_t brownian_seed(const job::Noise& noise) {
  return noise.sampler_seed.value_or(noise.seed);
}

at::Tensor make_masked_noise(const job::Noise& noise, at::IntArrayRef latent_shape) {
  return NoiseGenerator(noise.seed + 1).draw(latent_shape);
}

}  // namespace tandem::coordinator

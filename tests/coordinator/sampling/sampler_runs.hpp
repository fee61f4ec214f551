// Samplers run on a denoiser in closed form, and what the reference's own functions gave for it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {

inline const Sigmas kToZero = {14.6146F, 7.5F, 3.25F, 1.1F, 0.4F, 0.0F};
inline const Sigmas kLeftOver = {14.6146F, 7.5F, 3.25F, 1.1F, 0.4F};
inline const Sigmas kFlow = {1.0F, 0.9F, 0.72F, 0.5F, 0.2F, 0.0F};

// The shape of x.
inline constexpr std::int64_t kSampledShape[] = {1, 2, 2, 3};

using GivenOptions = std::map<std::string, job::OptionValue>;

struct SamplerRun {
  at::Tensor start;
  at::Tensor result;
  std::vector<float> evaluated;  // the sigmas that the denoiser was asked at
  std::vector<StepReport> reports;
};

// From noise of seed 11, with the global generator at 5 and the sampler's own at 42. kFlow is run
// as rectified flow.
SamplerRun run_sampler(const std::string& name, const Sigmas& sigmas,
                       const GivenOptions& given = {});

struct SamplerNumbers {
  std::string label;
  std::string sampler;
  Sigmas sigmas;
  GivenOptions options;
  at::Tensor expected;  // of kSampledShape
};

// The rows of sampler_numbers.json.
std::vector<SamplerNumbers> read_sampler_numbers();

}  // namespace tandem::coordinator

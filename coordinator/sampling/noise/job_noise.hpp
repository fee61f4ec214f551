// The noise of a job: what sampling starts from, and the streams its sampler draws from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/noise/noise_generator.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

struct JobNoise {
  at::Tensor starting;  // the latent's shape, float32 on the CPU; not yet scaled by a sigma
  // The generator that drew it, further on: k-diffusion's s_churn draws from torch's global one.
  NoiseGenerator rest;
};

// noise.seed's noise for a latent (batch, ...), drawn as one tensor or, with noise.batch_index,
// item by item from 0 to the largest index, of which the named ones are taken. given replaces it
// and must have the latent's shape; without add_noise it is zeros. Throws Error(kOutOfRange) for an
// index outside 0 to 65535, Error(kBadShape) where shapes do not agree.
JobNoise make_job_noise(const job::Noise& noise, const std::optional<at::Tensor>& given,
                        bool add_noise, at::IntArrayRef latent_shape);

// Whose generator the sampler draws from: noise.sampler_device, or else that of the devices of this
// kind ("cpu", "gpu") that the model is on. The starting noise is the CPU's in any case.
NoiseSource sampler_noise_source(const job::Noise& noise, std::string_view device_kind);

// The stream of a sampler's own draws: noise.sampler_seed, or else, as current ComfyUI seeds it,
// the job's seed + 1 on a CPU and the seed itself on CUDA.
NoiseGenerator make_sampler_noise(const job::Noise& noise, NoiseSource source);

// The seed of the Brownian path that SDE samplers draw from: noise.sampler_seed, or else the job's
// seed itself.
std::uint64_t brownian_seed(const job::Noise& noise);

// ddim's noise for what a noise mask keeps, of the job's seed + 1 whatever the starting noise is.
at::Tensor make_masked_noise(const job::Noise& noise, at::IntArrayRef latent_shape);

}  // namespace tandem::coordinator

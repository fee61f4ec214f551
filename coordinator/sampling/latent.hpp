// Latents on their way into sampling and out of it.
#pragma once

#include <ATen/core/Tensor.h>

#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// Zeros (batch, channels, height / downscale, width / downscale), float32. Throws
// Error(kOutOfRange) for sizes below one cell, or for more than 1 GiB.
at::Tensor make_empty_latent(const job::EmptyLatent& latent, const LatentFormat& format);

// A given latent as float32 (batch, channels, height, width) on the CPU; an empty (zero) one is
// widened or cut to the model's channels. Throws Error(kBadShape) for other shapes.
at::Tensor fix_latent(const at::Tensor& latent, const LatentFormat& format);

// Into the sampler's space: (latent - shift) * scale. A latent of zeros alone stays zeros.
at::Tensor process_latent_in(const at::Tensor& latent, const LatentFormat& format);

// And back: latent / scale + shift.
at::Tensor process_latent_out(const at::Tensor& latent, const LatentFormat& format);

}  // namespace tandem::coordinator

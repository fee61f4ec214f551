// The time of exponential integrators: lambda = log(alpha / sigma), half the log of the signal to
// noise ratio, where x = alpha * image + sigma * noise.
#pragma once

#include "coordinator/sampling/sigmas.hpp"
#include "models/prediction/prediction.hpp"

namespace tandem::coordinator {

// -log(sigma), or log((1 - sigma) / sigma) for flow. Infinite at 0, and for flow at 1.
float to_half_log_snr(const models::Prediction& prediction, float sigma);

// The inverse.
float half_log_snr_to_sigma(const models::Prediction& prediction, float lambda);

// alpha at sigma: 1, or 1 - sigma for flow.
float alpha_at(const models::Prediction& prediction, float sigma);

// Sigmas whose first is moved off flow's 1, where lambda is infinite, to the sigma of percent 1e-4.
Sigmas offset_first_sigma(Sigmas sigmas, const models::Prediction& prediction);

}  // namespace tandem::coordinator

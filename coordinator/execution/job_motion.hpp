// A job's motion modules over the noise levels.
#pragma once

#include <optional>

#include "coordinator/service/job_executor.hpp"
#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"
#include "protocol/motion_use.hpp"

namespace tandem::coordinator {

class JobMotion {
 public:
  // sigmas: of the sampling, that the range of the motion is a share of.
  JobMotion(const std::optional<job::Motion>& motion, const SigmaParameters& sigmas);

  // How a forward pass at this sigma uses the modules: outside of their range not at all.
  MotionUse at(float sigma) const;

 private:
  MotionUse use_;
  double start_sigma_ = 0.0;
  double end_sigma_ = 0.0;
};

// A job's "motion" fits its model and its latent: there are modules where it has numbers for them,
// its schedule is known, and no sequence is longer than the modules can tell frames apart. Throws
// kBadRequest, kUnsupported, kOutOfRange, naming the key.
void check_motion(const AcceptedJob& job);

// What the network is used with where there is no sigma: the range does not count.
MotionUse motion_use(const std::optional<job::Motion>& motion);

}  // namespace tandem::coordinator

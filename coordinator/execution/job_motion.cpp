#include "coordinator/execution/job_motion.hpp"

#include <string>

#include "coordinator/execution/job_inputs.hpp"
#include "coordinator/execution/job_run.hpp"
#include "coordinator/sampling/model_sampling.hpp"
#include "models/prediction/prediction.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr int kFrameDim = 0;

std::int64_t items_of(const AcceptedJob& job, const job::Latent& latent) {
  if (const auto* empty = std::get_if<job::EmptyLatent>(&latent)) return empty->batch;
  if (const auto* given = std::get_if<job::TensorLatent>(&latent)) {
    return tensor_layout(job, given->tensor, "latent.tensor").shape.front();
  }
  const auto& image = std::get<job::ImageLatent>(latent);
  return tensor_layout(job, image.image, "latent.image").shape.front();
}

void check_frames(const AcceptedJob& job, std::int64_t frames, const std::string& path) {
  if (frames <= job.info.motion_frames) return;
  throw Error(ErrorCode::kOutOfRange,
              path + ": the motion modules tell at most " + std::to_string(job.info.motion_frames) +
                  " frames apart, not " + std::to_string(frames) + ".",
              "Sample more frames in context windows along dimension 0 that are no longer.", path);
}

void refuse_numbers(bool is_set, const std::string& key) {
  if (!is_set) return;
  throw Error(ErrorCode::kBadRequest, key + ": the job has no motion modules.",
              "Name their file under motion.file.", key);
}

void check_numbers(const job::Motion& motion) {
  const job::Motion fallback;
  refuse_numbers(motion.scale != fallback.scale, "motion.scale");
  refuse_numbers(motion.effect != fallback.effect, "motion.effect");
  refuse_numbers(motion.start_percent != fallback.start_percent, "motion.start_percent");
  refuse_numbers(motion.end_percent != fallback.end_percent, "motion.end_percent");
}

}  // namespace

void check_motion(const AcceptedJob& accepted) {
  const job::Job& job = accepted.job;
  if (!job.motion) return;
  apply_sampling(accepted.info.sigmas, job.sampling, job.motion);
  if (job.motion->file.empty()) return check_numbers(*job.motion);
  if (job.workers.split_batch) {
    throw Error(ErrorCode::kBadRequest,
                "workers.split_batch: motion modules see all frames of a pass at once.",
                "Leave the key out; context windows and conds are units all the same.",
                "workers.split_batch");
  }
  const JobNeeds needs = needs_of(job);
  if (needs.samples && job.latent) {
    const std::int64_t frames = items_of(accepted, *job.latent);
    const bool windows =
        job.context && job.context->dim == kFrameDim && job.context->length < frames;
    check_frames(accepted, windows ? job.context->length : frames,
                 windows ? "context.length" : "latent");
  }
  if (job.output.forward.wanted && job.forward) {
    check_frames(accepted, tensor_layout(accepted, job.forward->x, "forward.x").shape.front(),
                 "forward.x");
  }
}

JobMotion::JobMotion(const std::optional<job::Motion>& motion, const SigmaParameters& sigmas)
    : use_(motion_use(motion)) {
  const models::Prediction prediction(sigmas);
  const job::Motion range = motion.value_or(job::Motion());
  start_sigma_ = prediction.percent_to_sigma(range.start_percent);
  end_sigma_ = prediction.percent_to_sigma(range.end_percent);
}

MotionUse JobMotion::at(float sigma) const {
  const bool is_active = sigma <= start_sigma_ && sigma >= end_sigma_;
  return is_active ? use_ : MotionUse{use_.scale, 0.0};
}

MotionUse motion_use(const std::optional<job::Motion>& motion) {
  return motion ? MotionUse{motion->scale, motion->effect} : MotionUse();
}

}  // namespace tandem::coordinator

#include "coordinator/execution/job_motion.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// 16 frames over modules that tell as many apart.
AcceptedJob animation() {
  AcceptedJob accepted;
  accepted.info.motion_frames = 16;
  accepted.job.motion.emplace().file = "/m";
  job::EmptyLatent latent;
  latent.batch = 16;
  accepted.job.latent = latent;
  accepted.job.sampler.emplace();
  accepted.job.output.latent.wanted = true;
  return accepted;
}

std::string refused_path(const AcceptedJob& accepted) {
  try {
    check_motion(accepted);
  } catch (const Error& error) {
    return error.failure().path;
  }
  return "";
}

TEST(JobMotion, AsManyFramesAsPositionsAreTaken) {
  EXPECT_NO_THROW(check_motion(animation()));
}

TEST(JobMotion, MoreFramesNeedWindows) {
  AcceptedJob accepted = animation();
  std::get<job::EmptyLatent>(*accepted.job.latent).batch = 17;
  EXPECT_EQ(refused_path(accepted), "latent");
  job::Context& context = accepted.job.context.emplace();
  EXPECT_EQ(refused_path(accepted), "latent") << "windows along the height leave the frames whole";
  context.dim = 0;
  context.length = 16;
  EXPECT_EQ(refused_path(accepted), "");
  context.length = 17;
  EXPECT_EQ(refused_path(accepted), "latent") << "one window holds all";
  std::get<job::EmptyLatent>(*accepted.job.latent).batch = 18;
  EXPECT_EQ(refused_path(accepted), "context.length");
}

TEST(JobMotion, WhatDoesNotSampleMayHaveAnyNumberOfItems) {
  AcceptedJob accepted = animation();
  std::get<job::EmptyLatent>(*accepted.job.latent).batch = 100;
  accepted.job.sampler.reset();
  EXPECT_NO_THROW(check_motion(accepted));
}

TEST(JobMotion, NumbersWithoutModulesAreRefused) {
  AcceptedJob accepted = animation();
  accepted.job.motion.emplace();
  EXPECT_EQ(refused_path(accepted), "");
  accepted.job.motion->scale = 1.1;
  EXPECT_EQ(refused_path(accepted), "motion.scale");
  accepted.job.motion.emplace().effect = 0.5;
  EXPECT_EQ(refused_path(accepted), "motion.effect");
  accepted.job.motion.emplace().start_percent = 0.5;
  EXPECT_EQ(refused_path(accepted), "motion.start_percent");
  accepted.job.motion.emplace().end_percent = 0.5;
  EXPECT_EQ(refused_path(accepted), "motion.end_percent");
}

TEST(JobMotion, FramesAreNotSplit) {
  AcceptedJob accepted = animation();
  accepted.job.workers.split_batch = true;
  EXPECT_EQ(refused_path(accepted), "workers.split_batch");
  accepted.job.motion->file.clear();
  EXPECT_EQ(refused_path(accepted), "");
}

TEST(JobMotion, AnUnknownScheduleIsRefused) {
  AcceptedJob accepted = animation();
  accepted.job.motion->beta_schedule = "cosine";
  EXPECT_EQ(refused_path(accepted), "motion.beta_schedule");
}

TEST(JobMotion, BothEndsOfTheRangeBelongToIt) {
  const JobMotion always(job::Motion{}, {});
  EXPECT_EQ(always.at(14.6146F), MotionUse());
  EXPECT_EQ(always.at(0.0F), MotionUse());
  EXPECT_EQ(JobMotion(std::nullopt, {}).at(1.0F), MotionUse());
}

}  // namespace
}  // namespace tandem::coordinator

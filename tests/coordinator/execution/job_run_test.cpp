#include "coordinator/execution/job_run.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

job::Job text_job() {
  job::Job job;
  job.positive.push_back({});
  job.positive[0].prompt = job::TextPrompt{"a"};
  job.latent = job::EmptyLatent{};
  job.sampler = job::Sampler{};
  return job;
}

TEST(JobNeeds, AJobDoesWhatItsOutputsNeed) {
  job::Job job = text_job();
  job.output.sigmas.wanted = true;
  JobNeeds needs = needs_of(job);
  EXPECT_FALSE(needs.text || needs.unet || needs.vae || needs.latent);

  job.output.noise.wanted = true;
  needs = needs_of(job);
  EXPECT_TRUE(needs.latent);
  EXPECT_FALSE(needs.unet || needs.vae);

  job.output.noise.wanted = false;
  job.output.windows.wanted = true;
  EXPECT_TRUE(needs_of(job).latent);

  job.output.latent.wanted = true;
  needs = needs_of(job);
  EXPECT_TRUE(needs.text && needs.unet);
  EXPECT_FALSE(needs.vae);

  job.output.image.wanted = true;
  EXPECT_TRUE(needs_of(job).vae);
}

TEST(JobNeeds, WithoutASamplerTheLatentIsTheResult) {
  job::Job job = text_job();
  job.sampler.reset();
  job.latent = job::ImageLatent{"image"};
  job.output.latent.wanted = true;
  const JobNeeds needs = needs_of(job);
  EXPECT_TRUE(needs.vae && needs.latent);
  EXPECT_FALSE(needs.unet || needs.text);
}

TEST(JobNeeds, APictureThatIsOnlyUpscaledNeedsNothingElse) {
  job::Job job = text_job();
  job.output.image.wanted = true;
  job.upscale = job::Upscale{};
  JobNeeds needs = needs_of(job);
  EXPECT_TRUE(needs.upscale && needs.samples && needs.vae) << "the decoded picture is upscaled";

  job.upscale->image = "picture";
  needs = needs_of(job);
  EXPECT_TRUE(needs.upscale);
  EXPECT_FALSE(needs.samples || needs.text || needs.unet || needs.vae || needs.latent);

  job.output.image.wanted = false;
  job.output.sigmas.wanted = true;
  EXPECT_FALSE(needs_of(job).upscale);
}

TEST(JobNeeds, EncodedCondsNeedNoTextEncoder) {
  job::Job job = text_job();
  job.positive[0].prompt = job::EncodedPrompt{"c", ""};
  job.output.latent.wanted = true;
  EXPECT_FALSE(needs_of(job).text);
}

}  // namespace
}  // namespace tandem::coordinator

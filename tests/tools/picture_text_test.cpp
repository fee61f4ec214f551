#include "tools/client/picture_text.hpp"

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "protocol/job/job_json.hpp"

namespace tandem::client {
namespace {

job::Job example() {
  return job::parse_job(R"({"version": 1, "model": {"file": "/models/sd15.safetensors"},
    "positive": [{"text": "a red circle"}], "negative": [{"text": "blurry"}],
    "latent": {"width": 512, "height": 256}, "noise": {"seed": 7},
    "sampler": {"name": "dpmpp_2m", "scheduler": "karras", "steps": 12, "cfg": 6.5},
    "output": {"image": "/home/me/pictures/out.png", "latent": "l.safetensors"}})");
}

std::string expected_start() {
  return "a red circle\nNegative prompt: blurry\nSteps: 12, Sampler: DPM++ 2M, "
         "Schedule type: Karras, CFG scale: 6.5, Seed: 7, Size: 512x256, Model: sd15";
}

TEST(PictureText, ReadsLikeTheWebUi) {
  const std::string text = parameters_text(example(), {.width = 512, .height = 256});
  EXPECT_TRUE(text.starts_with(expected_start() + ", Version: tandem ")) << text;
}

TEST(PictureText, SaysOnlyWhatIsTrue) {
  job::Job job = example();
  job.negative.clear();
  job.positive = {job::Cond{}};
  job.positive.front().prompt = job::EncodedPrompt{"cond", "pooled"};
  job.noise.tensor = "noise";
  job.sampler->denoise = 0.5;
  const std::string text = parameters_text(job, {.width = 8, .height = 8, .index = 1, .batch = 3});
  EXPECT_TRUE(text.starts_with("Steps: 12, ")) << text;
  EXPECT_EQ(text.find("Seed"), std::string::npos);
  EXPECT_NE(text.find("Denoising strength: 0.5, Batch size: 3, Batch pos: 1"), std::string::npos);
}

TEST(PictureText, CarriesTheJobWithItsImageAlone) {
  const std::vector<PngText> texts = picture_texts(example(), {.width = 512, .height = 256});
  const job::Job read = job::parse_job(find_job_text(texts, "x.png"));
  EXPECT_EQ(read.output.image.file, "out.png");
  EXPECT_FALSE(read.output.latent.wanted);
  EXPECT_EQ(read.model, example().model);
  EXPECT_EQ(read.positive, example().positive);
  EXPECT_EQ(read.sampler, example().sampler);
}

TEST(PictureText, AForeignPictureIsRefusedByItsChunks) {
  const std::vector<PngText> texts = {{"parameters", "x"}, {"Software", "y"}};
  try {
    find_job_text(texts, "cat.png");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_STREQ(error.what(),
                 "cat.png carries no Tandem job (its text chunks: parameters, Software)");
  }
  EXPECT_THROW(find_job_text({}, "cat.png"), Error);
}

}  // namespace
}  // namespace tandem::client

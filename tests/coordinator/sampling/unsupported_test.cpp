#include "coordinator/sampling/unsupported.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

job::Job plain_job() {
  job::Job job;
  job.positive.resize(1);
  job.negative.resize(1);
  job.latent = job::EmptyLatent();
  job.sampler = job::Sampler();
  job.output.latent.wanted = true;
  return job;
}

TEST(Unsupported, APlainJobIsSupported) {
  EXPECT_TRUE(find_unsupported(plain_job()).empty());
  EXPECT_NO_THROW(require_supported(plain_job()));
}

struct KeyCase {
  std::string path;
  std::function<void(job::Job&)> set;
};

const std::vector<KeyCase> kKeys = {
    {"positive[0].guidance", [](job::Job& j) { j.positive[0].guidance = 3.5; }},
    {"positive[0].reference_latents", [](job::Job& j) { j.positive[0].reference_latents = {"r"}; }},
    {"positive[0].clip_vision", [](job::Job& j) { j.positive[0].clip_vision.emplace("t"); }},
    {"positive[0].template_end", [](job::Job& j) { j.positive[0].template_end = -1; }},
    {"latent.frames", [](job::Job& j) { std::get<job::EmptyLatent>(*j.latent).frames = 5; }},
    {"start_image", [](job::Job& j) { j.start_image.emplace("i"); }},
    {"clip_vision_image", [](job::Job& j) { j.clip_vision_image.emplace("i"); }},
    {"sampling.kind", [](job::Job& j) { j.sampling.kind = job::FlowKind::kFlux; }},
    {"forward.guidance", [](job::Job& j) { j.forward.emplace().guidance.emplace("g"); }},
    {"forward.clip_fea", [](job::Job& j) { j.forward.emplace().clip_fea.emplace("c"); }},
    {"forward.num_tokens", [](job::Job& j) { j.forward.emplace().num_tokens = 4; }},
    {"forward.ref_latents", [](job::Job& j) { j.forward.emplace().ref_latents = {"r"}; }},
    {"forward.ref_latents_method",
     [](job::Job& j) { j.forward.emplace().ref_latents_method.emplace("offset"); }},
    {"workers.audit", [](job::Job& j) { j.workers.audit = 0.1; }},
    {"output.video", [](job::Job& j) { j.output.video.wanted = true; }},
};

TEST(Unsupported, EveryKeyIsFoundByItsPath) {
  for (const KeyCase& key : kKeys) {
    job::Job job = plain_job();
    key.set(job);
    const std::vector<UnsupportedKey> found = find_unsupported(job);
    ASSERT_EQ(found.size(), 1U) << key.path;
    EXPECT_EQ(found[0].path, key.path);
    EXPECT_FALSE(found[0].what.empty()) << key.path;
  }
}

TEST(Unsupported, TheErrorNamesAll) {
  job::Job job = plain_job();
  job.positive.resize(2);
  job.positive[1].guidance = 3.5;
  job.start_image.emplace("i");
  try {
    require_supported(job);
    FAIL() << "a guidance and a start image were taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_EQ(error.failure().path, "positive[1].guidance");
    EXPECT_NE(error.failure().message.find("video (start_image)"), std::string::npos);
  }
}

}  // namespace
}  // namespace tandem::coordinator

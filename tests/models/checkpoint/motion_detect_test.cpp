#include "models/checkpoint/motion_detect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/support/manifest.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"
#include "tests/models/support/tiny_motion.hpp"

namespace tandem::models {
namespace {

using ::testing::HasSubstr;

class MotionDetect : public ::testing::Test {
 protected:
  Inspection inspect(const std::vector<NamedLayout>& motion, const std::string& model = "sd15") {
    ModelSpec spec;
    spec.file = folder_.file(model + ".safetensors");
    spec.motion = folder_.file("motion.safetensors");
    write_hollow_file(spec.file, read_manifest(model));
    write_hollow_file(spec.motion, motion);
    return inspect_model(spec);
  }
  Failure failure_of(const std::vector<NamedLayout>& motion, const std::string& model = "sd15") {
    try {
      inspect(motion, model);
    } catch (const Error& error) {
      return error.failure();
    }
    ADD_FAILURE() << "was accepted";
    return {};
  }

  TemporaryFolder folder_;
};

TEST_F(MotionDetect, EveryPublishedVersionIsToldByItsKeysAndShapes) {
  for (const MotionVersion version : {MotionVersion::kV1, MotionVersion::kV2, MotionVersion::kV3}) {
    const MotionConfig config = published_motion(version);
    const Inspection found = inspect(motion_layouts(config));
    ASSERT_TRUE(found.motion.has_value());
    EXPECT_EQ(found.motion->config, config);
    EXPECT_EQ(found.info.motion_frames, config.frames);
    EXPECT_EQ(found.files.size(), 2U);
  }
}

TEST_F(MotionDetect, TheModulesCountAmongTheWeightsOfTheDiffusionModel) {
  const std::vector<NamedLayout> motion = motion_layouts(published_motion(MotionVersion::kV3));
  std::uint64_t numbers = 0;
  for (const auto& [name, layout] : motion)
    numbers += element_count(layout);
  const Inspection found = inspect(motion);
  EXPECT_EQ(found.info.sizes.unet, 859520964U + numbers);
  EXPECT_EQ(found.info.bytes, 4264941228U + 2 * numbers);
}

TEST_F(MotionDetect, NamesMayStandBelowModule) {
  const MotionConfig config = published_motion(MotionVersion::kV1);
  const Inspection found = inspect(motion_layouts(config, "module."));
  EXPECT_EQ(found.motion->prefix, "module.");
  EXPECT_EQ(found.motion->config, config);
}

TEST_F(MotionDetect, OtherFamiliesOfDiffusionModelsAreRefused) {
  const std::vector<NamedLayout> motion = motion_layouts(published_motion(MotionVersion::kV3));
  for (const char* model : {"sd21_768v", "sdxl_base"}) {
    const Failure failure = failure_of(motion, model);
    EXPECT_EQ(failure.code, ErrorCode::kUnsupported);
    EXPECT_EQ(failure.path, "motion.file");
    EXPECT_THAT(failure.message, HasSubstr("the job's model is Stable Diffusion "));
  }
}

TEST_F(MotionDetect, ModulesWithoutADiffusionModelAreRefused) {
  ModelSpec spec;
  spec.motion = folder_.file("motion.safetensors");
  write_hollow_file(spec.motion, motion_layouts(published_motion(MotionVersion::kV3)));
  try {
    inspect_model(spec);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.failure().message, HasSubstr("has no diffusion model"));
  }
}

TEST_F(MotionDetect, ModulesOfOtherLevelsAreRefused) {
  MotionConfig config = published_motion(MotionVersion::kV3);
  config.channels = {320, 640, 1280};  // as for Stable Diffusion XL
  EXPECT_THAT(failure_of(motion_layouts(config)).message, HasSubstr("320, 640, 1280, 1280"));
  config.channels = {320, 640, 1280, 1296};
  EXPECT_THAT(failure_of(motion_layouts(config)).message, HasSubstr("multiple of 32"));
}

TEST_F(MotionDetect, SizesOutOfRangeAreRefused) {
  MotionConfig config = published_motion(MotionVersion::kV1);
  config.frames = 5000;
  EXPECT_EQ(failure_of(motion_layouts(config)).code, ErrorCode::kBadCheckpoint);
  config = published_motion(MotionVersion::kV1);
  config.attentions = 9;
  EXPECT_EQ(failure_of(motion_layouts(config)).code, ErrorCode::kBadCheckpoint);
}

struct Other {
  const char* key;
  const char* name;
};

TEST_F(MotionDetect, RelativesAreRefusedByName) {
  const std::string module = "down_blocks.0.motion_modules.0.temporal_transformer.";
  for (const auto& [key, name] : std::vector<std::pair<std::string, std::string>>{
           {"conv_in.weight", "a PIA model"},
           {"fps_embedding.linear.weight", "a FancyVideo model"},
           {"img_encoder.conv.weight", "an AnimateLCM-I2V model"},
           {module + "transformer_blocks.0.cc_projection.weight", "a MotionCtrl model"}}) {
    std::vector<NamedLayout> motion = motion_layouts(published_motion(MotionVersion::kV3));
    motion.push_back({key, {DType::kF16, {2, 2}}});
    const Failure failure = failure_of(motion);
    EXPECT_EQ(failure.code, ErrorCode::kUnknownFamily) << key;
    EXPECT_THAT(failure.message, HasSubstr(name));
  }
  for (const Other& other :
       {Other{"down_blocks.0.temporal_attentions.0.norm.weight", "a HotshotXL motion module"},
        Other{"down_blocks.0.motion_modules.0.transformer_blocks.0.pos_embed.pe",
              "a motion adapter in diffusers' layout"},
        Other{"decoder.conv_in.weight", "a VAE, not a motion module"},
        Other{"weight", "no motion module that Tandem knows"}}) {
    EXPECT_THAT(failure_of({{other.key, {DType::kF16, {2, 2}}}}).message, HasSubstr(other.name));
  }
}

TEST_F(MotionDetect, ModulesWithoutPositionsAreRefusedByName) {
  std::vector<NamedLayout> motion = motion_layouts(published_motion(MotionVersion::kV3));
  std::erase_if(motion, [](const auto& t) { return t.first.ends_with("pos_encoder.pe"); });
  EXPECT_THAT(failure_of(motion).message, HasSubstr("an AnimateLCM motion module"));
}

}  // namespace
}  // namespace tandem::models

#include "models/checkpoint/upscale_detect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"
#include "tests/models/support/tiny_upscaler.hpp"

namespace tandem::models {
namespace {

using ::testing::HasSubstr;

class UpscaleDetect : public ::testing::Test {
 protected:
  Inspection inspect(const std::vector<NamedLayout>& tensors) {
    ModelSpec spec;
    spec.upscale = folder_.file("up.safetensors");
    write_hollow_file(spec.upscale, tensors);
    return inspect_model(spec);
  }
  Failure failure_of(const std::vector<NamedLayout>& tensors) {
    try {
      inspect(tensors);
    } catch (const Error& error) {
      EXPECT_EQ(error.failure().path, folder_.file("up.safetensors"));
      return error.failure();
    }
    ADD_FAILURE() << "was accepted";
    return {};
  }

  TemporaryFolder folder_;
};

TEST_F(UpscaleDetect, EveryNamingAndScaleIsRead) {
  for (const RrdbNaming naming : {RrdbNaming::kSequential, RrdbNaming::kTrunk, RrdbNaming::kBody}) {
    for (const std::int64_t upsamples : {0, 1, 2, 3}) {
      const RrdbConfig config = tiny_rrdb(naming, upsamples);
      const Inspection found = inspect(rrdb_layouts(config));
      EXPECT_EQ(found.upscale->config, config) << "upsamples: " << upsamples;
      EXPECT_EQ(found.info.upscale, 1 << upsamples);
    }
  }
}

TEST_F(UpscaleDetect, UnshuffledPixelsDivideTheScale) {
  EXPECT_EQ(inspect(rrdb_layouts(tiny_rrdb(RrdbNaming::kBody, 2, 2))).info.upscale, 2);
  EXPECT_EQ(inspect(rrdb_layouts(tiny_rrdb(RrdbNaming::kSequential, 2, 4))).info.upscale, 1);
}

TEST_F(UpscaleDetect, SizesThatDoNotFitTogetherAreRefused) {
  const RrdbConfig config = tiny_rrdb(RrdbNaming::kBody, 2);
  const std::vector<NamedLayout> good = rrdb_layouts(config);
  for (const auto& [name, layout] : good) {
    if (!name.ends_with(".weight")) continue;
    std::vector<NamedLayout> bad = good;
    for (auto& [key, changed] : bad) {
      if (key == name) changed.shape[2] = 5;
    }
    EXPECT_EQ(failure_of(bad).code, ErrorCode::kBadCheckpoint) << name;
  }
}

TEST_F(UpscaleDetect, AMissingLayerIsNamed) {
  std::vector<NamedLayout> tensors = rrdb_layouts(tiny_rrdb(RrdbNaming::kBody, 2));
  std::erase_if(tensors, [](const auto& t) { return t.first == "body.0.rdb3.conv4.weight"; });
  const Failure failure = failure_of(tensors);
  EXPECT_EQ(failure.code, ErrorCode::kBadCheckpoint);
  EXPECT_THAT(failure.message, HasSubstr("body.0.rdb3.conv4.weight"));
}

TEST_F(UpscaleDetect, ModelsForOneColourAreRefused) {
  std::vector<NamedLayout> tensors = rrdb_layouts(tiny_rrdb(RrdbNaming::kTrunk, 2));
  for (auto& [name, layout] : tensors) {
    if (name == "conv_first.weight") layout.shape[1] = 1;
  }
  EXPECT_THAT(failure_of(tensors).message, HasSubstr("3 colours"));
}

TEST_F(UpscaleDetect, MoreUpsamplingsThanAnyModelHasAreRefused) {
  for (const RrdbNaming naming : {RrdbNaming::kSequential, RrdbNaming::kBody}) {
    EXPECT_EQ(failure_of(rrdb_layouts(tiny_rrdb(naming, 5))).code, ErrorCode::kBadCheckpoint);
  }
}

struct Other {
  const char* key;
  const char* name;
};

TEST_F(UpscaleDetect, OtherArchitecturesAreRefusedByName) {
  for (const Other& other :
       {Other{"layers.0.residual_group.blocks.0.norm1.weight", "a SwinIR upscale model"},
        Other{"module.layers.0.residual_group.blocks.0.norm1.weight", "a SwinIR"},
        Other{"layers.0.residual_group.overlap_attn.relative_position_bias_table", "a HAT"},
        Other{"layers.0.blocks.2.attn.attn_mask_0", "a DAT"},
        Other{"block_1.c1_r.sk.weight", "a SPAN"},
        Other{"unet1.conv1.conv.0.weight", "a Real-CUGAN"},
        Other{"body.1.weight", "a Compact upscale model"},
        Other{"decoder.conv_in.weight", "a VAE"}}) {
    const Failure failure = failure_of({{other.key, {DType::kF32, {2, 2}}}});
    EXPECT_EQ(failure.code, ErrorCode::kUnknownFamily);
    EXPECT_THAT(failure.message, HasSubstr(other.name));
    EXPECT_THAT(failure.hint, HasSubstr("RRDBNet"));
  }
}

TEST_F(UpscaleDetect, RelativesWithMoreLayersAreRefusedByName) {
  std::vector<NamedLayout> tensors = rrdb_layouts(tiny_rrdb(RrdbNaming::kSequential, 2));
  tensors.push_back({"model.1.sub.0.RDB1.conv1x1.weight", {DType::kF32, {2, 2}}});
  EXPECT_THAT(failure_of(tensors).message, HasSubstr("an ESRGAN+ upscale model"));
}

TEST_F(UpscaleDetect, WhatIsNotKnownIsSaidSo) {
  EXPECT_THAT(failure_of({{"weight", {DType::kF32, {2}}}}).message,
              HasSubstr("no upscale model that Tandem knows"));
}

}  // namespace
}  // namespace tandem::models

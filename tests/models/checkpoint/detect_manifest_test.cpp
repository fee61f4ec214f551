// Every published model that there is a manifest of is either recognised, with the right sizes, or
// refused by its name.
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/checkpoint/detect.hpp"
#include "protocol/error.hpp"
#include "tests/models/support/manifest.hpp"
#include "tests/models/support/specs.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"

namespace tandem::models {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Sizes = std::vector<std::int64_t>;

class Published : public ::testing::Test {
 protected:
  std::string write(const std::string& name) {
    const std::string path = folder_.file(name + ".safetensors");
    write_hollow_file(path, read_manifest(name));
    return path;
  }
  Inspection inspect(const std::string& name) { return inspect_model(spec_of(write(name))); }

  TemporaryFolder folder_;
};

TEST_F(Published, Sd15HasItsSizes) {
  const Inspection found = inspect("sd15");
  EXPECT_EQ(found.info.family, "sd15");
  EXPECT_EQ(found.info.sigmas.parameterization, Parameterization::kEps);
  EXPECT_EQ(found.info.latent.scale, 0.18215);
  EXPECT_EQ(found.info.weight_dtype, "fp32");
  EXPECT_EQ(found.info.bytes, 4264941228U);
  EXPECT_EQ(found.info.sizes, (PartSizes{859520964, 123060480, 83653863}));
  EXPECT_EQ(found.unet->prefix, "model.diffusion_model.");
  EXPECT_EQ(found.unet->config, UNetConfig{});
  ASSERT_THAT(found.encoders, SizeIs(1));
  EXPECT_EQ(found.encoders[0].section, "l");
  EXPECT_EQ(found.encoders[0].prefix, "cond_stage_model.transformer.");
  EXPECT_EQ(found.encoders[0].config, ClipConfig{});
  EXPECT_EQ(found.vae->prefix, "first_stage_model.");
  EXPECT_EQ(found.vae->config, VaeConfig{});
}

TEST_F(Published, Sd21HasItsSizes) {
  const Inspection found = inspect("sd21_768v");
  EXPECT_EQ(found.info.family, "sd20");
  UNetConfig unet;
  unet.context_dim = 1024;
  unet.use_linear_in_transformer = true;
  unet.num_heads = -1;
  unet.num_head_channels = 64;
  unet.attention_in_fp32 = true;
  EXPECT_EQ(found.unet->config, unet);
  ASSERT_THAT(found.encoders, SizeIs(1));
  const ClipConfig& clip = found.encoders[0].config;
  EXPECT_EQ(found.encoders[0].section, "h");
  EXPECT_EQ(clip.layout, ClipLayout::kOpenClip);
  EXPECT_EQ(clip.hidden_act, ClipActivation::kGelu);
  EXPECT_EQ(clip.hidden_size, 1024);
  EXPECT_EQ(clip.num_hidden_layers, 24);
  EXPECT_EQ(clip.num_attention_heads, 16);
  EXPECT_EQ(found.vae->config, VaeConfig{});
}

// Only the spread of one tensor's values tells the two kinds of SD2 apart.
TEST_F(Published, Sd21IsVelocityWhereABiasSpreads) {
  const std::string path = write("sd21_768v");
  EXPECT_EQ(inspect_model(spec_of(path)).info.sigmas.parameterization, Parameterization::kEps);
  const HeaderFile file(path);
  const SafetensorsEntry* entry = file.header().find(
      "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias");
  ASSERT_NE(entry, nullptr);
  const auto parameterization_at = [&](float spread) {
    std::vector<float> numbers(320);
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = i % 2 == 0 ? 1 + spread : 1 - spread;
    overwrite(path, file.header().data_offset + entry->begin, numbers.data(),
              numbers.size() * sizeof(float));
    return inspect_model(spec_of(path)).info.sigmas.parameterization;
  };
  EXPECT_EQ(parameterization_at(0.095F), Parameterization::kVPrediction);
  EXPECT_EQ(parameterization_at(0.085F), Parameterization::kEps);
}

TEST_F(Published, SdxlHasItsSizes) {
  const Inspection found = inspect("sdxl_base");
  EXPECT_EQ(found.info.family, "sdxl");
  EXPECT_EQ(found.info.latent.scale, 0.13025);
  EXPECT_EQ(found.info.pooled_width, 1280);
  EXPECT_EQ(found.info.context_width, 2048);
  EXPECT_EQ(found.info.weight_dtype, "fp16");
  const UNetConfig& unet = found.unet->config;
  EXPECT_EQ(unet.channel_mult, (Sizes{1, 2, 4}));
  EXPECT_EQ(unet.num_res_blocks, (Sizes{2, 2, 2}));
  EXPECT_EQ(unet.transformer_depth, (Sizes{0, 0, 2, 2, 10, 10}));
  EXPECT_EQ(unet.transformer_depth_output, (Sizes{0, 0, 0, 2, 2, 2, 10, 10, 10}));
  EXPECT_EQ(unet.transformer_depth_middle, 10);
  EXPECT_EQ(unet.adm_in_channels, 2816);
  EXPECT_EQ(heads_of(unet, 1280), 20);
  ASSERT_THAT(found.encoders, SizeIs(2));
  EXPECT_EQ(found.encoders[0].section, "l");
  EXPECT_EQ(found.encoders[0].prefix, "conditioner.embedders.0.transformer.");
  EXPECT_EQ(found.info.sizes, (PartSizes{2567463684, 123060557 + 694659841, 83653863}));
  EXPECT_EQ(found.encoders[1].section, "g");
  EXPECT_EQ(found.encoders[1].prefix, "conditioner.embedders.1.model.");
  EXPECT_EQ(found.encoders[1].config.num_attention_heads, 20);
}

TEST_F(Published, MarkersOfSdxlFineTunesAreRead) {
  std::vector<NamedLayout> tensors = read_manifest("sdxl_base");
  tensors.push_back({"v_pred", {DType::kF32, {0}}});
  const std::string path = folder_.file("marked.safetensors");
  write_hollow_file(path, tensors);
  EXPECT_EQ(inspect_model(spec_of(path)).info.sigmas.parameterization,
            Parameterization::kVPrediction);
  EXPECT_FALSE(inspect_model(spec_of(path)).info.sigmas.zsnr);
  tensors.push_back({"ztsnr", {DType::kF32, {0}}});
  write_hollow_file(path, tensors);
  EXPECT_TRUE(inspect_model(spec_of(path)).info.sigmas.zsnr);
}

TEST_F(Published, InpaintingIsTheFamilyWithNineChannels) {
  for (const char* name : {"sd15", "sdxl_base"}) {
    std::vector<NamedLayout> tensors = read_manifest(name);
    for (auto& [key, layout] : tensors) {
      if (key.ends_with("diffusion_model.input_blocks.0.0.weight")) layout.shape[1] = 9;
    }
    const std::string path = folder_.file("inpaint.safetensors");
    write_hollow_file(path, tensors);
    const Inspection found = inspect_model(spec_of(path));
    EXPECT_EQ(found.info.family, std::string(name).substr(0, 4));
    EXPECT_EQ(found.info.unet_in_channels, 9);
  }
}

TEST_F(Published, SeparateEncodersTakeThePlaceOfTheCheckpointsOwn) {
  const std::string clip_g = write("clip_g");
  const std::string clip_l = write("clip_l");
  const Inspection found = inspect_model(spec_of(write("sdxl_base"), "", {clip_g, clip_l}));
  ASSERT_THAT(found.encoders, SizeIs(2));
  EXPECT_EQ(found.encoders[0].file, clip_l);
  EXPECT_EQ(found.encoders[0].section, "l");
  EXPECT_EQ(found.encoders[1].file, clip_g);
  EXPECT_EQ(found.encoders[1].config.layout, ClipLayout::kTransformers);
  EXPECT_EQ(found.encoders[1].config.num_attention_heads, 20);
  EXPECT_THAT(found.files, SizeIs(3));
}

TEST_F(Published, UpscaleModelsHaveTheirSizes) {
  for (const auto& [name, naming] : {std::pair{"esrgan_x4_oldarch", RrdbNaming::kSequential},
                                     std::pair{"realesrgan_x4plus", RrdbNaming::kBody}}) {
    ModelSpec spec;
    spec.upscale = write(name);
    const Inspection found = inspect_model(spec);
    RrdbConfig expected;
    expected.naming = naming;
    EXPECT_EQ(found.upscale->config, expected) << name;
    EXPECT_EQ(found.info.upscale, 4);
    EXPECT_EQ(found.info.bytes, 66791948U);
    EXPECT_FALSE(found.info.has_unet || found.info.has_vae);
    EXPECT_THAT(found.files, SizeIs(1));
  }
}

TEST_F(Published, AnEncoderThatTheFamilyLacksIsRefused) {
  const ModelSpec spec = spec_of(write("sd15"), "", {write("clip_g")});
  try {
    inspect_model(spec);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr("Stable Diffusion 1.x does not have"));
  }
}

TEST_F(Published, AVaeOfAnotherNumberOfChannelsIsRefused) {
  const ModelSpec spec = spec_of(write("sd15"), write("flux_vae"));
  try {
    inspect_model(spec);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr("16 latent channels"));
  }
}

struct Refused {
  const char* manifest;
  const char* name;
};

void PrintTo(const Refused& refused, std::ostream* out) {
  *out << refused.manifest;
}

class RefusedByName : public Published, public ::testing::WithParamInterface<Refused> {};

TEST_P(RefusedByName, AsModelFile) {
  try {
    inspect(GetParam().manifest);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnknownFamily);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().name));
    EXPECT_THAT(error.failure().hint, HasSubstr("Stable Diffusion XL"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Manifests, RefusedByName,
    ::testing::Values(
        Refused{"sdxl_refiner", "a Stable Diffusion XL refiner ('sd_xl_refiner_1.0')"},
        Refused{"flux1_dev", "a Flux.1 checkpoint ('flux1-dev')"},
        Refused{"flux1_schnell", "a Flux.1 checkpoint ('flux1-schnell')"},
        Refused{"sd35_medium", "a Stable Diffusion 3.5 checkpoint ('sd3.5_medium')"},
        Refused{"wan21_t2v_1.3b", "('wan2.1_t2v_1.3B')"},
        Refused{"wan21_t2v_14b", "('wan2.1_t2v_14B')"},
        Refused{"wan21_i2v_14b", "('wan2.1_i2v_14B')"},
        Refused{"wan22_i2v_14b", "('wan2.2_i2v_14B')"},
        Refused{"qwen_image", "a Qwen-Image checkpoint"},
        Refused{"z_image", "a Z-Image checkpoint"}, Refused{"t5_xxl", "a T5 text encoder"},
        Refused{"umt5_xxl", "a UMT5 text encoder"},
        Refused{"qwen2.5_vl_7b", "a Qwen2.5-VL text encoder"},
        Refused{"qwen3_4b", "a Qwen3 text encoder"}, Refused{"clip_l", "a CLIP-L text encoder"},
        Refused{"clip_g", "a CLIP-G text encoder"},
        Refused{"clip_vision_h", "a CLIP vision encoder"},
        Refused{"flux_vae", "a VAE of 16 channels"},
        Refused{"wan21_vae", "a Wan or Qwen-Image VAE"},
        Refused{"esrgan_x4_oldarch", "an ESRGAN upscale model"},
        Refused{"realesrgan_x4plus", "an ESRGAN upscale model"}),
    [](const auto& test) {
      std::string name = test.param.manifest;
      for (char& letter : name)
        letter = letter == '.' ? '_' : letter;
      return name;
    });

}  // namespace
}  // namespace tandem::models

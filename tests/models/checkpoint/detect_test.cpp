#include "models/checkpoint/detect.hpp"

#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/support/specs.hpp"
#include "tests/models/support/temporary_folder.hpp"
#include "tests/models/support/tiny_file.hpp"

namespace tandem::models {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class Detect : public ::testing::Test {
 protected:
  std::string write(const std::vector<NamedLayout>& tensors, const Metadata& metadata = {},
                    const std::string& name = "model.safetensors") {
    const std::string path = folder_.file(name);
    write_hollow_file(path, tensors, metadata);
    return path;
  }

  void expect_refused(const ModelSpec& spec, ErrorCode code, const std::string& words) {
    try {
      inspect_model(spec);
      FAIL() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr(words));
    }
  }

  TemporaryFolder folder_;
};

Metadata changed(const std::string& from, const std::string& to) {
  Metadata metadata = tiny_sd1_metadata();
  std::string& text = metadata.at("model_config");
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos);
  text.replace(at, from.size(), to);
  return metadata;
}

std::vector<NamedLayout> only(std::vector<NamedLayout> tensors, const std::string& prefix,
                              const std::string& renamed) {
  std::erase_if(tensors, [&](const auto& tensor) { return !tensor.first.starts_with(prefix); });
  for (auto& [name, layout] : tensors)
    name = renamed + name.substr(prefix.size());
  return tensors;
}

TEST_F(Detect, TinyModelsBringTheirSizes) {
  const std::string path = write(tiny_sd1_layouts(), tiny_sd1_metadata());
  const Inspection found = inspect_model(spec_of(path));
  EXPECT_EQ(found.family->name, "sd15");
  EXPECT_EQ(found.unet->config.num_heads, 4);
  EXPECT_EQ(found.unet->config.model_channels, 32);
  EXPECT_EQ(found.info.latent.scale, 0.5);
  EXPECT_EQ(found.encoders.at(0).config.num_attention_heads, 2);
  EXPECT_EQ(found.vae->config.ch_mult, std::vector<std::int64_t>{1});
  EXPECT_EQ(found.info.context_width, 16);
  ASSERT_THAT(found.files, SizeIs(1));
  EXPECT_EQ(found.files[0].path, path);
  EXPECT_EQ(found.files[0].bytes, std::filesystem::file_size(path));
}

// Every layer of the tiny UNet twice as wide: 64 channels.
std::vector<NamedLayout> wide_sd1_layouts() {
  std::vector<NamedLayout> tensors = tiny_sd1_layouts();
  for (auto& [name, layout] : tensors) {
    if (!name.starts_with("model.diffusion_model.")) continue;
    for (std::int64_t& size : layout.shape)
      size *= size >= 32 ? 2 : 1;
  }
  return tensors;
}

// ComfyUI's 8 heads for SD1 go before a file's num_heads, but not before its num_head_channels.
TEST_F(Detect, HeadsAreTheFamilysWhereTheyFit) {
  const auto heads = [&](const std::string& in_file) {
    std::map<std::string, std::string> metadata =
        changed("\"model_channels\": 32", "\"model_channels\": 64");
    std::string& config = metadata["model_config"];
    const std::string old = "\"num_heads\": 4, \"num_head_channels\": -1";
    config.replace(config.find(old), old.size(), in_file);
    return heads_of(inspect_model(spec_of(write(wide_sd1_layouts(), metadata))).unet->config, 64);
  };
  EXPECT_EQ(heads("\"num_heads\": 4, \"num_head_channels\": -1"), 8);
  EXPECT_EQ(heads("\"num_heads\": -1, \"num_head_channels\": 16"), 4);
}

TEST_F(Detect, WithoutSizesATinyModelIsOfNoFamily) {
  expect_refused(spec_of(write(tiny_sd1_layouts())), ErrorCode::kUnknownFamily,
                 "of no family that Tandem knows");
}

TEST_F(Detect, AnUnknownFamilyInModelConfigIsNamed) {
  expect_refused(spec_of(write(tiny_sd1_layouts(), changed("\"sd15\"", "\"sd99\""))),
                 ErrorCode::kUnknownFamily, "'sd99'");
}

TEST_F(Detect, SizesThatTheTensorsContradictAreRefused) {
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"model_channels\": 32", "\"model_channels\": 64"},
           {"\"context_dim\": 16", "\"context_dim\": 32"},
           {"\"num_heads\": 4", "\"num_heads\": 5"},
           {"\"num_heads\": 4", "\"num_heads\": 0"},
           {"\"num_attention_heads\": 2", "\"num_attention_heads\": 3"},
           {"\"hidden_size\": 16", "\"hidden_size\": 32"}}) {
    SCOPED_TRACE(to);
    expect_refused(spec_of(write(tiny_sd1_layouts(), changed(from, to))), ErrorCode::kBadCheckpoint,
                   "'");
  }
}

TEST_F(Detect, ParameterizationOfModelConfigWins) {
  const Inspection found =
      inspect_model(spec_of(write(tiny_sd1_layouts(), changed("\"eps\"", "\"v_prediction\""))));
  EXPECT_EQ(found.info.sigmas.parameterization, Parameterization::kVPrediction);
}

TEST_F(Detect, AUNetWithoutPrefixIsFound) {
  const std::string path = write(tiny_sd1_layouts(""), tiny_sd1_metadata());
  EXPECT_EQ(inspect_model(spec_of(path)).unet->prefix, "");
}

TEST_F(Detect, OldTextEncoderNamesAreFound) {
  std::vector<NamedLayout> tensors = tiny_sd1_layouts();
  const std::string part = "text_model.";
  for (auto& [name, layout] : tensors) {
    const std::size_t at = name.find(part);
    if (at != std::string::npos) name.erase(at, part.size());
  }
  const Inspection found = inspect_model(spec_of(write(tensors, tiny_sd1_metadata())));
  ASSERT_THAT(found.encoders, SizeIs(1));
  EXPECT_TRUE(found.encoders[0].omits_text_model);
}

TEST_F(Detect, PartsThatTheFileLacksAreLeftOut) {
  const auto unet = only(tiny_sd1_layouts(), "model.diffusion_model.", "model.diffusion_model.");
  const Inspection found = inspect_model(spec_of(write(unet, tiny_sd1_metadata())));
  EXPECT_TRUE(found.info.has_unet);
  EXPECT_FALSE(found.info.has_vae);
  EXPECT_TRUE(found.info.text_encoders.empty());
}

TEST_F(Detect, AVaeAloneNeedsNoFamily) {
  for (const char* prefix : {"", "first_stage_model.", "vae."}) {
    const auto vae = only(tiny_sd1_layouts(), "first_stage_model.", prefix);
    const Inspection found = inspect_model(spec_of("", write(vae)));
    EXPECT_EQ(found.vae->prefix, prefix);
    EXPECT_EQ(found.family, nullptr);
    EXPECT_EQ(found.info.family, "");
    EXPECT_TRUE(found.info.has_vae);
    EXPECT_FALSE(found.info.has_unet);
  }
}

TEST_F(Detect, AVaeOfTooManyLevelsIsRefused) {
  auto vae = only(tiny_sd1_layouts(), "first_stage_model.", "");
  for (int i = 1; i < 70; ++i) {
    const std::string level = "decoder.up." + std::to_string(i);
    vae.push_back({level + ".block.0.conv2.weight", {DType::kF32, {32, 32, 3, 3}}});
  }
  expect_refused(spec_of("", write(vae)), ErrorCode::kBadCheckpoint, "1 to 8 levels");
}

TEST_F(Detect, ATextEncoderAloneNeedsNoFamily) {
  const auto clip = only(tiny_sd1_layouts(), "cond_stage_model.transformer.", "");
  const Inspection found = inspect_model(spec_of("", "", {write(clip, tiny_sd1_metadata())}));
  ASSERT_THAT(found.info.text_encoders, SizeIs(1));
  EXPECT_EQ(found.info.text_encoders[0], (TextEncoderInfo{"l", 16}));
}

TEST_F(Detect, TheWrongKindOfFileIsRefused) {
  const auto clip =
      write(only(tiny_sd1_layouts(), "cond_stage_model.transformer.", ""), tiny_sd1_metadata());
  expect_refused(spec_of("", clip), ErrorCode::kUnknownFamily, "a CLIP-L text encoder");
  const auto vae = write(only(tiny_sd1_layouts(), "first_stage_model.", ""), {}, "vae.safetensors");
  expect_refused(spec_of("", "", {vae}), ErrorCode::kUnknownFamily, "This is a VAE");
  const auto other = write({{"a", {DType::kF32, {1}}}}, {}, "other.safetensors");
  expect_refused(spec_of(other), ErrorCode::kUnknownFamily, "no diffusion model");
  expect_refused(spec_of("", other), ErrorCode::kUnknownFamily, "no VAE");
}

TEST_F(Detect, OtherNumbersOfInputChannelsAreRefusedByName) {
  std::vector<NamedLayout> tensors = tiny_sd1_layouts();
  for (auto& [name, layout] : tensors) {
    if (name.ends_with("input_blocks.0.0.weight")) layout.shape[1] = 7;
  }
  expect_refused(spec_of(write(tensors, tiny_sd1_metadata())), ErrorCode::kUnknownFamily,
                 "x4 upscaler");
}

TEST_F(Detect, AMissingFileIsNamed) {
  expect_refused(spec_of(folder_.file("absent")), ErrorCode::kMissingFile, "absent");
}

TEST_F(Detect, AFolderIsNoFile) {
  expect_refused(spec_of(folder_.file("")), ErrorCode::kBadCheckpoint, "no regular file");
}

TEST_F(Detect, AChangedFileHasAnotherStamp) {
  const std::string path = write(tiny_sd1_layouts(), tiny_sd1_metadata());
  const Inspection before = inspect_model(spec_of(path));
  EXPECT_EQ(inspect_model(spec_of(path)).files, before.files);
  std::filesystem::last_write_time(
      path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
  EXPECT_NE(inspect_model(spec_of(path)).files, before.files);
}

}  // namespace
}  // namespace tandem::models

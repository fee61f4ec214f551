#include "models/checkpoint/model_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

using ::testing::HasSubstr;

std::optional<ModelConfig> read(const std::string& text) {
  SafetensorsHeader header;
  header.metadata["model_config"] = text;
  return read_model_config(header, "x");
}

TEST(ModelConfig, AbsentIsAbsent) {
  EXPECT_FALSE(read_model_config({}, "x").has_value());
  const auto config = read("{}");
  ASSERT_TRUE(config.has_value());
  EXPECT_FALSE(config->unet || config->vae || config->parameterization || config->latent_scale);
  EXPECT_TRUE(config->clip.empty());
}

TEST(ModelConfig, NullsAndUnknownKeysAreLeftAlone) {
  const auto config = read(R"({"vae": null, "future": [1], "unet": {"adm_in_channels": null}})");
  EXPECT_FALSE(config->vae.has_value());
  EXPECT_EQ(config->unet->adm_in_channels, 0);
}

TEST(ModelConfig, ReadsTheVae) {
  const auto config = read(R"({"vae": {"embed_dim": 3, "ddconfig": {"ch": 64, "ch_mult": [1, 2],
      "num_res_blocks": 1, "z_channels": 3, "attn_resolutions": [16]}}})");
  EXPECT_EQ(config->vae->embed_dim, 3);
  EXPECT_EQ(config->vae->ch, 64);
  EXPECT_EQ(config->vae->ch_mult, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(config->vae->attn_resolutions, std::vector<std::int64_t>{16});
}

struct Wrong {
  const char* text;
  const char* complaint;
};

class WrongModelConfig : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongModelConfig, IsRefusedWithItsKey) {
  try {
    read(GetParam().text);
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadCheckpoint);
    EXPECT_THAT(error.what(), HasSubstr(GetParam().complaint));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, WrongModelConfig,
    ::testing::Values(
        Wrong{"", "a JSON object"}, Wrong{"[]", "a JSON object"}, Wrong{"{", "a JSON object"},
        Wrong{"[[[[[[[[[[]]]]]]]]]]", "a JSON object"},
        Wrong{R"({"family": 1})", "model_config.family should be a text"},
        Wrong{R"({"unet": 1})", "model_config.unet should be an object"},
        Wrong{R"({"unet": {"channel_mult": 4}})",
              "model_config.unet.channel_mult should be a list"},
        Wrong{R"({"unet": {"model_channels": 1.5}})", "model_config.unet.model_channels"},
        Wrong{R"({"unet": {"model_channels": 99999999999}})", "model_config.unet.model_channels"},
        Wrong{R"({"unet": {"use_linear_in_transformer": 1}})", "true or false"},
        Wrong{R"({"clip": {"l": {"hidden_act": "relu"}}})", "model_config.clip.l.hidden_act"},
        Wrong{R"({"parameterization": "w"})", "model_config.parameterization"},
        Wrong{R"({"latent_scale": 0})", "model_config.latent_scale should be a positive number"},
        Wrong{R"({"latent_scale": "x"})", "model_config.latent_scale"}));

}  // namespace
}  // namespace tandem::models

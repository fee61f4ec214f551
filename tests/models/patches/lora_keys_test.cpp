#include "models/patches/lora_keys.hpp"

#include <gtest/gtest.h>

#include "models/patches/delta_names.hpp"
#include "models/patches/diffusers_names.hpp"

namespace tandem::models {
namespace {

using Names = std::vector<std::string>;

TEST(DiffusersNames, FollowTheBlocksOfSd1) {
  const UNetConfig sd1;
  const std::vector<std::pair<const char*, Names>> cases = {
      {"input_blocks.0.0", {"conv_in"}},
      {"input_blocks.1.0.in_layers.2", {"down_blocks.0.resnets.0.conv1"}},
      {"input_blocks.3.0.op", {"down_blocks.0.downsamplers.0.conv"}},
      {"input_blocks.5.1.transformer_blocks.0.attn2.to_k",
       {"down_blocks.1.attentions.1.transformer_blocks.0.attn2.to_k"}},
      {"middle_block.1.proj_in", {"mid_block.attentions.0.proj_in"}},
      {"middle_block.2.emb_layers.1", {"mid_block.resnets.1.time_emb_proj"}},
      {"output_blocks.2.1.conv", {"up_blocks.0.upsamplers.0.conv"}},
      {"output_blocks.5.2.conv", {"up_blocks.1.upsamplers.0.conv"}},
      {"output_blocks.11.0.skip_connection", {"up_blocks.3.resnets.2.conv_shortcut"}},
      {"label_emb.0.0", {"class_embedding.linear_1", "add_embedding.linear_1"}},
      {"no_such.module", {}},
      {"input_blocks.99.0.in_layers.2", {}},
  };
  for (const auto& [stored, diffusers] : cases)
    EXPECT_EQ(diffusers_names(stored, sd1), diffusers) << stored;
}

TEST(UnetLoraKeys, EverySpellingMeansTheWeight) {
  const std::string weight = "input_blocks.1.1.transformer_blocks.0.attn1.to_out.0.weight";
  const LoraKeys keys = unet_lora_keys(
      {weight, "input_blocks.1.1.transformer_blocks.0.attn1.to_out.0.bias"}, UNetConfig());
  for (const char* spelling :
       {"lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_out_0",
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
        "lycoris_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0",
        "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_out.0",
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
        "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out",
        "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out"}) {
    const auto key = keys.find(spelling);
    ASSERT_NE(key, keys.end()) << spelling;
    EXPECT_EQ(key->second.weight, weight);
    EXPECT_EQ(key->second.bias, "input_blocks.1.1.transformer_blocks.0.attn1.to_out.0.bias");
  }
}

TEST(ClipLoraKeys, SecondEncoderIsGWhereThereIsAnL) {
  EncoderPart part;
  part.section = "g";
  part.config.hidden_size = 8;
  part.config.num_hidden_layers = 1;
  part.config.layout = ClipLayout::kOpenClip;
  const Names names = {"transformer.resblocks.0.attn.in_proj_weight",
                       "transformer.resblocks.0.attn.in_proj_bias", "text_projection"};
  const LoraKeys keys = clip_lora_keys(names, part, true);
  EXPECT_FALSE(keys.contains("lora_te1_text_model_encoder_layers_0_self_attn_k_proj"));
  const PatchTarget& k = keys.at("lora_te2_text_model_encoder_layers_0_self_attn_k_proj");
  EXPECT_EQ(k.weight, names[0]);
  EXPECT_EQ(k.bias, names[1]);
  EXPECT_EQ(k.rows, (RowRange{8, 8}));
  EXPECT_TRUE(keys.at("lora_te2_text_projection").transposed);
  EXPECT_FALSE(keys.contains("lora_te2_text_model_encoder_layers_0_mlp_fc1"));
  EXPECT_TRUE(clip_lora_keys(names, part, false)
                  .contains("text_encoder.text_model.encoder.layers.0.self_attn.v_proj"));
}

TEST(ClipLoraKeys, NamesMayLeaveOutTextModel) {
  EncoderPart part;
  part.section = "l";
  part.omits_text_model = true;
  const LoraKeys keys = clip_lora_keys({"encoder.layers.0.mlp.fc1.weight"}, part, true);
  EXPECT_EQ(keys.at("lora_te_text_model_encoder_layers_0_mlp_fc1").weight,
            "text_model.encoder.layers.0.mlp.fc1.weight");
}

const LoraKeys kKeys = {{"a", {"a.weight", "a.bias", {}, false}},
                        {"b", {"b.weight", {}, {}, false}}};

TEST(FindDeltas, TakesTheRowThatTheEndingShows) {
  const auto deltas = find_deltas({"a.alpha", "a.lora_down.weight", "a.lora_up.weight", "a.diff_b",
                                   "b.lokr_w1", "b.lokr_w2_a", "b.diff_b", "c.diff"},
                                  kKeys);
  ASSERT_EQ(deltas.size(), 3U);
  EXPECT_EQ(deltas.at({"a.weight", {}}).row->format, DeltaFormat::kLora);
  EXPECT_EQ(deltas.at({"a.bias", {}}).row->format, DeltaFormat::kDiff);
  EXPECT_EQ(deltas.at({"b.weight", {}}).row->format, DeltaFormat::kLokr);
}

TEST(FindDeltas, OfTwoFormatsTheLaterRowCounts) {
  const auto deltas = find_deltas({"a.diff", "a.lora_up.weight", "a.set_weight"}, kKeys);
  EXPECT_EQ(deltas.at({"a.weight", {}}).row->format, DeltaFormat::kSet);
}

TEST(UnmatchedNames, AreThoseOfNoWeightOfAnyPart) {
  const std::vector<LoraKeys> parts = {{{"a", {}}}, {{"b", {}}}};
  EXPECT_EQ(
      unmatched_names({"a.alpha", "a.lora_down.weight", "b.dora_scale", "c.alpha", "odd"}, parts),
      (Names{"c.alpha", "odd"}));
}

}  // namespace
}  // namespace tandem::models

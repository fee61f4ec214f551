#include "models/families/unsupported.hpp"

#include <array>
#include <string_view>

#include "models/checkpoint/key_scan.hpp"

namespace tandem::models {
namespace {

// A tensor that only this kind of file has; where `size` is given, its size along `dim` decides.
// The first row that fits wins: the special stands before the general.
struct Telltale {
  std::string_view key;
  std::string_view name;
  std::size_t dim = 0;
  std::int64_t size = -1;
};

constexpr std::array kTelltales = {
    // Diffusion transformers.
    Telltale{"double_stream_modulation_img.lin.weight", "a Flux.2 checkpoint"},
    Telltale{"distilled_guidance_layer.0.norms.0.scale", "a Chroma checkpoint"},
    Telltale{"distilled_guidance_layer.norms.0.scale", "a Chroma checkpoint"},
    Telltale{"txt_in.individual_token_refiner.blocks.0.norm1.weight", "a HunyuanVideo checkpoint"},
    Telltale{"guidance_in.in_layer.weight", "a Flux.1 checkpoint ('flux1-dev')"},
    Telltale{"double_blocks.0.img_attn.norm.key_norm.scale",
             "a Flux.1 checkpoint ('flux1-schnell')"},
    Telltale{"joint_blocks.0.x_block.attn2.qkv.weight",
             "a Stable Diffusion 3.5 checkpoint ('sd3.5_medium')"},
    Telltale{"joint_blocks.0.context_block.attn.ln_q.weight",
             "a Stable Diffusion 3.5 checkpoint ('sd3.5_large')"},
    Telltale{"joint_blocks.0.context_block.attn.qkv.weight",
             "a Stable Diffusion 3 checkpoint ('sd3_medium')"},
    Telltale{"vace_blocks.0.after_proj.weight", "a Wan VACE checkpoint"},
    Telltale{"img_emb.proj.0.weight", "a Wan 2.1 checkpoint ('wan2.1_i2v_14B')"},
    Telltale{"patch_embedding.weight", "a Wan 2.2 checkpoint ('wan2.2_i2v_14B')", 1, 36},
    Telltale{"patch_embedding.weight", "a Wan 2.2 checkpoint ('wan2.2_ti2v_5B')", 1, 48},
    Telltale{"patch_embedding.weight", "a Wan 2.1 checkpoint ('wan2.1_t2v_1.3B')", 0, 1536},
    Telltale{"patch_embedding.weight", "a Wan 2.1 or 2.2 checkpoint ('wan2.1_t2v_14B')", 0, 5120},
    Telltale{"head.modulation", "a Wan checkpoint ('wan2.1')"},
    Telltale{"txt_norm.weight", "a Qwen-Image checkpoint ('qwen_image')"},
    Telltale{"x_pad_token", "a Z-Image checkpoint ('z_image')"},
    Telltale{"cap_embedder.1.weight", "a Lumina 2 checkpoint"},
    Telltale{"mlp_t5.0.weight", "a Hunyuan-DiT checkpoint"},
    Telltale{"double_layers.0.attn.w1q.weight", "an AuraFlow checkpoint"},
    Telltale{"t_block.1.weight", "a PixArt checkpoint"},
    Telltale{"adaln_single.emb.timestep_embedder.linear_1.bias", "an LTX-Video checkpoint"},
    Telltale{"t5_yproj.weight", "a Mochi checkpoint"},
    Telltale{"caption_projection.0.linear.weight", "a HiDream checkpoint"},
    Telltale{"blocks.0.mlp.layer1.weight", "a Cosmos checkpoint"},
    Telltale{"clf.1.weight", "a Stable Cascade checkpoint"},
    Telltale{"transformer.rotary_pos_emb.inv_freq", "a Stable Audio checkpoint"},
    // Text and image encoders.
    Telltale{"encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight",
             "a UMT5 text encoder ('umt5_xxl')"},
    Telltale{"encoder.block.0.layer.0.SelfAttention.k.weight", "a T5 text encoder ('t5xxl')"},
    Telltale{"model.layers.0.self_attn.k_proj.bias",
             "a Qwen2.5-VL text encoder ('qwen_2.5_vl_7b')"},
    Telltale{"model.layers.0.self_attn.q_norm.weight", "a Qwen3 text encoder ('qwen_3_4b')"},
    Telltale{"vision_model.embeddings.class_embedding", "a CLIP vision encoder ('clip_vision_h')"},
    Telltale{"text_model.encoder.layers.30.mlp.fc1.weight", "a CLIP-G text encoder ('clip_g')"},
    Telltale{"text_model.encoder.layers.22.mlp.fc1.weight", "a CLIP-H text encoder ('clip_h')"},
    Telltale{"text_model.encoder.layers.0.mlp.fc1.weight", "a CLIP-L text encoder ('clip_l')"},
    // Other parts, and what is no model by itself.
    Telltale{"decoder.middle.0.residual.0.gamma", "a Wan or Qwen-Image VAE ('wan_2.1_vae')"},
    Telltale{"decoder.up_blocks.0.resnets.0.conv1.weight", "a VAE in diffusers' layout"},
    Telltale{"decoder.conv_in.weight", "a VAE of 16 channels ('ae.safetensors')", 1, 16},
    Telltale{"decoder.conv_in.weight", "a VAE"},
    Telltale{"first_stage_model.decoder.conv_in.weight", "a VAE"},
    // Upscalers: those that share layers with an ESRGAN stand before it.
    Telltale{"model.1.sub.0.RDB1.conv1x1.weight", "an ESRGAN+ upscale model"},
    Telltale{"f_HR_conv1.0.weight", "an SPSR upscale model"},
    Telltale{"am_list.0.fc.0.weight", "an MM-RealSR upscale model"},
    Telltale{"model.1.sub.0.RDB1.conv1.0.weight", "an ESRGAN upscale model"},
    Telltale{"RRDB_trunk.0.RDB1.conv1.weight", "an ESRGAN upscale model ('BSRGAN')"},
    Telltale{"body.0.rdb1.conv1.weight", "an ESRGAN upscale model ('RealESRGAN')"},
    Telltale{"layers.0.residual_group.overlap_attn.relative_position_bias_table",
             "a HAT upscale model"},
    Telltale{"layers.0.residual_group.blocks.0.attn.aligned_relative_position_index",
             "an SRFormer upscale model"},
    Telltale{"layers.0.residual_group.blocks.0.attn.logit_scale", "a Swin2SR upscale model"},
    Telltale{"layers.0.residual_group.blocks.0.norm1.weight", "a SwinIR upscale model"},
    Telltale{"layers.0.residual_group.hf_blocks.0.attn.temperature", "a CRAFT upscale model"},
    Telltale{"layers.0.blocks.2.attn.attn_mask_0", "a DAT upscale model"},
    Telltale{"layers.0.swin1.norm1.weight", "a DRCT upscale model"},
    Telltale{"layers.0.blocks.0.attn.window_attn.attn_transform.logit_scale",
             "a GRL upscale model"},
    Telltale{"residual_layer.0.residual_layer.0.layer.0.fn.0.weight", "an OmniSR upscale model"},
    Telltale{"block_1.c1_r.sk.weight", "a SPAN upscale model"},
    Telltale{"unet1.conv1.conv.0.weight", "a Real-CUGAN upscale model"},
    Telltale{"initial.cnn.depthwise.weight", "a SwiftSRGAN upscale model"},
    Telltale{"feats.0.safm.mfr.0.weight", "a SAFMN upscale model"},
    Telltale{"UFONE.0.ITLs.0.attn.temperature", "a DITN upscale model"},
    Telltale{"m_head.0.weight", "an SCUNet model"},
    Telltale{"stylegan_decoder.style_mlp.1.weight", "a GFPGAN model"},
    Telltale{"ft_layers.0.self_attn.in_proj_weight", "a CodeFormer model"},
    Telltale{"body.1.weight", "a Compact upscale model (SRVGGNet)"},
    Telltale{"down_blocks.0.motion_modules.0.temporal_transformer.norm.weight",
             "an AnimateDiff motion module"},
    Telltale{"control_model.input_blocks.0.0.weight", "a ControlNet"},
    Telltale{"controlnet_cond_embedding.conv_in.weight", "a ControlNet"},
    Telltale{"down_blocks.0.resnets.0.conv1.weight", "a UNet in diffusers' layout"},
};

constexpr std::array<std::string_view, 5> kPrefixes = {"", "model.diffusion_model.", "model.",
                                                       "net.", "module."};

bool fits(const SafetensorsHeader& header, std::string_view prefix, const Telltale& row) {
  const std::string key = std::string(prefix) + std::string(row.key);
  if (row.size < 0) return header.find(key) != nullptr;
  return size_of_tensor(header, key, row.dim) == row.size;
}

bool is_lora(const SafetensorsHeader& header) {
  return has_prefix(header, "lora_unet_") || has_prefix(header, "lora_te") ||
         (!header.tensors.empty() &&
          header.tensors.begin()->first.find(".lora_") != std::string::npos);
}

// Relatives of the families that run, told apart by their sizes.
struct UNetVariant {
  bool (*matches)(const UNetConfig&);
  std::string_view name;
};

bool has_depths(const UNetConfig& unet, std::initializer_list<std::int64_t> depths) {
  return unet.transformer_depth == std::vector<std::int64_t>(depths);
}

constexpr std::array kVariants = {
    UNetVariant{[](const UNetConfig& u) { return u.adm_in_channels == 2560; },
                "a Stable Diffusion XL refiner ('sd_xl_refiner_1.0')"},
    UNetVariant{[](const UNetConfig& u) {
                  return has_depths(u, {0, 0, 2, 2, 4, 4});
                },
                "an SSD-1B checkpoint"},
    UNetVariant{[](const UNetConfig& u) {
                  return has_depths(u, {0, 0, 1, 1, 2, 2});
                },
                "a Segmind Vega checkpoint"},
    UNetVariant{[](const UNetConfig& u) {
                  return has_depths(u, {0, 2, 5});
                },
                "a KOALA-700M checkpoint"},
    UNetVariant{[](const UNetConfig& u) {
                  return has_depths(u, {0, 2, 6});
                },
                "a KOALA-1B checkpoint"},
    UNetVariant{[](const UNetConfig& u) { return u.in_channels == 8 && u.context_dim == 2048; },
                "a Stable Diffusion XL InstructPix2Pix checkpoint"},
    UNetVariant{[](const UNetConfig& u) { return u.in_channels == 8 && u.context_dim == 768; },
                "an InstructPix2Pix checkpoint"},
    UNetVariant{[](const UNetConfig& u) { return u.in_channels == 7; },
                "a Stable Diffusion x4 upscaler ('x4-upscaler-ema')"},
    UNetVariant{[](const UNetConfig& u) { return u.in_channels == 5; },
                "a Stable Diffusion 2 depth checkpoint ('512-depth-ema')"},
    UNetVariant{
        [](const UNetConfig& u) { return u.adm_in_channels == 1536 || u.adm_in_channels == 2048; },
        "a Stable Diffusion 2.1 unCLIP checkpoint"},
    UNetVariant{[](const UNetConfig& u) { return u.adm_in_channels == 4; },
                "a Lotus depth checkpoint"},
};

}  // namespace

std::optional<std::string> name_unsupported_file(const SafetensorsHeader& header) {
  for (const Telltale& row : kTelltales) {
    for (const std::string_view prefix : kPrefixes) {
      if (fits(header, prefix, row)) return std::string(row.name);
    }
  }
  if (is_lora(header)) return "a LoRA";
  return std::nullopt;
}

std::optional<std::string> name_unsupported_unet(const SafetensorsHeader& header,
                                                 const std::string& prefix,
                                                 const UNetConfig& unet) {
  if (header.find(prefix + "input_blocks.1.1.time_stack.0.attn1.to_q.weight") != nullptr) {
    return "a Stable Video Diffusion checkpoint";
  }
  if (header.find("edm_mean") != nullptr) return "a Playground v2.5 checkpoint";
  if (header.find("edm_vpred.sigma_max") != nullptr) return "a CosXL checkpoint";
  if (header.find("cc_projection.weight") != nullptr) return "a Stable Zero123 checkpoint";
  for (const UNetVariant& variant : kVariants) {
    if (variant.matches(unet)) return std::string(variant.name);
  }
  return std::nullopt;
}

}  // namespace tandem::models

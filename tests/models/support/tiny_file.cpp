#include "tests/models/support/tiny_file.hpp"

#include <filesystem>
#include <fstream>

namespace tandem::models {
namespace {

class LayoutList {
 public:
  explicit LayoutList(std::string prefix) : prefix_(std::move(prefix)) {}

  void add(const std::string& name, std::vector<std::int64_t> shape) {
    layouts_.push_back({prefix_ + name, {DType::kF32, std::move(shape)}});
  }
  // weight and bias
  void add_linear(const std::string& name, std::int64_t in, std::int64_t out) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void add_conv(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel) {
    add(name + ".weight", {out, in, kernel, kernel});
    add(name + ".bias", {out});
  }
  void add_norm(const std::string& name, std::int64_t width) {
    add(name + ".weight", {width});
    add(name + ".bias", {width});
  }
  void append_to(std::vector<NamedLayout>& all) const {
    all.insert(all.end(), layouts_.begin(), layouts_.end());
  }

 private:
  std::string prefix_;
  std::vector<NamedLayout> layouts_;
};

constexpr std::int64_t kChannels = 32;
constexpr std::int64_t kContext = 16;

void add_res_block(LayoutList& list, const std::string& name, std::int64_t in) {
  list.add_norm(name + ".in_layers.0", in);
  list.add_conv(name + ".in_layers.2", in, kChannels, 3);
  list.add_linear(name + ".emb_layers.1", 4 * kChannels, kChannels);
  list.add_norm(name + ".out_layers.0", kChannels);
  list.add_conv(name + ".out_layers.3", kChannels, kChannels, 3);
  if (in != kChannels) list.add_conv(name + ".skip_connection", in, kChannels, 1);
}

void add_transformer(LayoutList& list, const std::string& name) {
  list.add_norm(name + ".norm", kChannels);
  list.add_conv(name + ".proj_in", kChannels, kChannels, 1);
  list.add_conv(name + ".proj_out", kChannels, kChannels, 1);
  const std::string block = name + ".transformer_blocks.0";
  for (const char* norm : {".norm1", ".norm2", ".norm3"})
    list.add_norm(block + norm, kChannels);
  for (const char* attention : {".attn1", ".attn2"}) {
    const std::int64_t context = attention == std::string(".attn1") ? kChannels : kContext;
    list.add(block + attention + ".to_q.weight", {kChannels, kChannels});
    list.add(block + attention + ".to_k.weight", {kChannels, context});
    list.add(block + attention + ".to_v.weight", {kChannels, context});
    list.add_linear(block + attention + ".to_out.0", kChannels, kChannels);
  }
  list.add_linear(block + ".ff.net.0.proj", kChannels, 8 * kChannels);
  list.add_linear(block + ".ff.net.2", 4 * kChannels, kChannels);
}

void add_unet(std::vector<NamedLayout>& all, const std::string& prefix) {
  LayoutList list(prefix);
  list.add_linear("time_embed.0", kChannels, 4 * kChannels);
  list.add_linear("time_embed.2", 4 * kChannels, 4 * kChannels);
  list.add_conv("input_blocks.0.0", 4, kChannels, 3);
  add_res_block(list, "input_blocks.1.0", kChannels);
  add_transformer(list, "input_blocks.1.1");
  add_res_block(list, "middle_block.0", kChannels);
  add_transformer(list, "middle_block.1");
  add_res_block(list, "middle_block.2", kChannels);
  for (const char* block : {"output_blocks.0", "output_blocks.1"}) {
    add_res_block(list, block + std::string(".0"), 2 * kChannels);
    add_transformer(list, block + std::string(".1"));
  }
  list.add_norm("out.0", kChannels);
  list.add_conv("out.2", kChannels, 4, 3);
  list.append_to(all);
}

void add_encoder(std::vector<NamedLayout>& all) {
  LayoutList list("cond_stage_model.transformer.text_model.");
  list.add("embeddings.token_embedding.weight", {64, kContext});
  list.add("embeddings.position_embedding.weight", {77, kContext});
  for (const char* part : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
    list.add_linear(std::string("encoder.layers.0.self_attn.") + part, kContext, kContext);
  }
  list.add_norm("encoder.layers.0.layer_norm1", kContext);
  list.add_norm("encoder.layers.0.layer_norm2", kContext);
  list.add_linear("encoder.layers.0.mlp.fc1", kContext, 24);
  list.add_linear("encoder.layers.0.mlp.fc2", 24, kContext);
  list.add_norm("final_layer_norm", kContext);
  list.append_to(all);
}

// Only what detection looks at.
void add_vae(std::vector<NamedLayout>& all) {
  LayoutList list("first_stage_model.");
  list.add_conv("decoder.conv_in", 4, 32, 3);
  list.add_norm("decoder.mid.block_1.norm1", 32);
  list.add_conv("decoder.up.0.block.0.conv2", 32, 32, 3);
  list.add_conv("decoder.up.0.block.1.conv2", 32, 32, 3);
  list.add_conv("decoder.conv_out", 32, 3, 3);
  list.add_conv("encoder.conv_in", 3, 32, 3);
  list.add_conv("encoder.conv_out", 32, 8, 3);
  list.add_conv("post_quant_conv", 4, 4, 1);
  list.append_to(all);
}

}  // namespace

void write_hollow_file(const std::string& path, const std::vector<NamedLayout>& tensors,
                       const Metadata& metadata) {
  const SafetensorsHead head = build_safetensors_header(tensors, metadata);
  std::ofstream(path, std::ios::binary) << head.bytes;
  std::filesystem::resize_file(path, head.file_size);
}

void write_numbers_file(const std::string& path, const std::vector<NamedNumbers>& tensors,
                        const Metadata& metadata) {
  std::vector<NamedLayout> layouts;
  for (const auto& tensor : tensors)
    layouts.push_back({tensor.name, {DType::kF32, tensor.shape}});
  const SafetensorsHead head = build_safetensors_header(layouts, metadata);
  std::ofstream file(path, std::ios::binary);
  file << head.bytes;
  for (const auto& tensor : tensors) {
    file.write(reinterpret_cast<const char*>(tensor.numbers.data()),
               static_cast<std::streamsize>(tensor.numbers.size() * sizeof(float)));
  }
}

void overwrite(const std::string& path, std::uint64_t offset, const void* bytes,
               std::size_t count) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(count));
}

std::vector<NamedLayout> tiny_sd1_layouts(const std::string& unet_prefix) {
  std::vector<NamedLayout> all;
  add_unet(all, unet_prefix);
  add_encoder(all);
  add_vae(all);
  return all;
}

Metadata tiny_sd1_metadata() {
  return {{"model_config", R"({
    "family": "sd15", "parameterization": "eps", "latent_scale": 0.5,
    "unet": {"in_channels": 4, "out_channels": 4, "model_channels": 32, "channel_mult": [1],
             "num_res_blocks": [1], "transformer_depth": [1], "transformer_depth_output": [1, 1],
             "transformer_depth_middle": 1, "context_dim": 16, "adm_in_channels": null,
             "use_linear_in_transformer": false, "num_heads": 4, "num_head_channels": -1},
    "clip": {"l": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
                   "num_attention_heads": 2, "hidden_act": "quick_gelu"}}})"}};
}

}  // namespace tandem::models

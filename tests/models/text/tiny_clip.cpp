#include "tests/models/text/tiny_clip.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

namespace tandem::models {
namespace {

constexpr std::int64_t kWidth = 8;
constexpr std::int64_t kInner = 16;

// Fills a map with random tensors under both layouts' names.
class TensorWriter {
 public:
  explicit TensorWriter(ClipLayout layout)
      : open_clip_(layout == ClipLayout::kOpenClip),
        generator_(at::detail::createCPUGenerator(1)) {}

  void add(const std::string& transformers, const std::string& open_clip, at::IntArrayRef shape) {
    put(open_clip_ ? open_clip : transformers, random(shape));
  }

  void add_linear(const std::string& transformers, const std::string& open_clip, std::int64_t in,
                  std::int64_t out) {
    add(transformers + ".weight", open_clip + ".weight", {out, in});
    add(transformers + ".bias", open_clip + ".bias", {out});
  }

  void add_norm(const std::string& transformers, const std::string& open_clip) {
    add(transformers + ".weight", open_clip + ".weight", {kWidth});
    add(transformers + ".bias", open_clip + ".bias", {kWidth});
  }

  void add_projections(const std::string& transformers, const std::string& open_clip) {
    const at::Tensor weight = random({3 * kWidth, kWidth});
    const at::Tensor bias = random({3 * kWidth});
    if (open_clip_) {
      put(open_clip + ".in_proj_weight", weight);
      put(open_clip + ".in_proj_bias", bias);
      return;
    }
    std::int64_t part = 0;
    for (const char* name : {".q_proj", ".k_proj", ".v_proj"}) {
      put(transformers + name + ".weight", weight.narrow(0, part * kWidth, kWidth));
      put(transformers + name + ".bias", bias.narrow(0, part++ * kWidth, kWidth));
    }
  }

  // OpenCLIP's is (in, out).
  void add_text_projection() {
    const at::Tensor weight = random({kWidth, kWidth});
    if (open_clip_) put("text_projection", weight.t().contiguous());
    if (!open_clip_) put("text_projection.weight", weight);
  }

  TensorMap tensors() const { return tensors_; }

 private:
  at::Tensor random(at::IntArrayRef shape) { return at::randn(shape, generator_, at::kFloat); }
  void put(const std::string& name, at::Tensor tensor) { tensors_[name] = std::move(tensor); }

  bool open_clip_;
  at::Generator generator_;
  TensorMap tensors_;
};

}  // namespace

ClipConfig tiny_clip_config(ClipLayout layout) {
  return {.hidden_size = kWidth,
          .intermediate_size = kInner,
          .num_hidden_layers = 2,
          .num_attention_heads = 2,
          .layout = layout};
}

TensorMap tiny_clip_tensors(ClipLayout layout) {
  TensorWriter out(layout);
  out.add("text_model.embeddings.token_embedding.weight", "token_embedding.weight",
          {49408, kWidth});
  out.add("text_model.embeddings.position_embedding.weight", "positional_embedding", {77, kWidth});
  for (const std::string number : {"0", "1"}) {
    const std::string here = "text_model.encoder.layers." + number;
    const std::string there = "transformer.resblocks." + number;
    out.add_norm(here + ".layer_norm1", there + ".ln_1");
    out.add_projections(here + ".self_attn", there + ".attn");
    out.add_linear(here + ".self_attn.out_proj", there + ".attn.out_proj", kWidth, kWidth);
    out.add_norm(here + ".layer_norm2", there + ".ln_2");
    out.add_linear(here + ".mlp.fc1", there + ".mlp.c_fc", kWidth, kInner);
    out.add_linear(here + ".mlp.fc2", there + ".mlp.c_proj", kInner, kWidth);
  }
  out.add_norm("text_model.final_layer_norm", "ln_final");
  out.add_text_projection();
  return out.tensors();
}

}  // namespace tandem::models

#include "protocol/job/job_uses.hpp"

#include <array>
#include <filesystem>

#include "protocol/json_text.hpp"

namespace tandem::job {
namespace {

class TensorList {
 public:
  std::vector<TensorUse> take() { return std::move(uses_); }

  void add(std::string_view parent, std::string_view key, const TensorName& name) {
    if (!name.empty()) uses_.push_back({name, key_path(parent, key)});
  }
  void add(std::string_view parent, std::string_view key, const std::optional<TensorName>& name) {
    if (name) add(parent, key, *name);
  }
  void add(std::string_view parent, std::string_view key, const std::vector<TensorName>& names) {
    const std::string list = key_path(parent, key);
    for (std::size_t i = 0; i < names.size(); ++i)
      uses_.push_back({names[i], key_path(list, i)});
  }

 private:
  std::vector<TensorUse> uses_;
};

void add_prompt(TensorList&, const std::string&, const TextPrompt&) {}
void add_prompt(TensorList&, const std::string&, const DualTextPrompt&) {}
void add_prompt(TensorList& list, const std::string& path, const TokenPrompt& prompt) {
  list.add(path, "tokens", prompt.tokens);
  list.add(path, "weights", prompt.weights);
}
void add_prompt(TensorList& list, const std::string& path, const EncodedPrompt& prompt) {
  list.add(path, "cond", prompt.cond);
  list.add(path, "pooled", prompt.pooled);
}

void add_conds(TensorList& list, std::string_view key, const std::vector<Cond>& conds) {
  for (std::size_t i = 0; i < conds.size(); ++i) {
    const Cond& cond = conds[i];
    const std::string path = key_path(key, i);
    std::visit([&](const auto& prompt) { add_prompt(list, path, prompt); }, cond.prompt);
    list.add(path, "mask", cond.mask);
    list.add(path, "reference_latents", cond.reference_latents);
    list.add(path, "concat_latent_image", cond.concat_latent_image);
    list.add(path, "concat_mask", cond.concat_mask);
    list.add(path, "clip_vision", cond.clip_vision);
  }
}

void add_latent(TensorList& list, const Latent& latent) {
  if (const auto* tensor = std::get_if<TensorLatent>(&latent)) {
    list.add("latent", "tensor", tensor->tensor);
  } else if (const auto* image = std::get_if<ImageLatent>(&latent)) {
    list.add("latent", "image", image->image);
  }
}

void add_forward(TensorList& list, const Forward& forward) {
  list.add("forward", "x", forward.x);
  list.add("forward", "timestep", forward.timestep);
  list.add("forward", "context", forward.context);
  list.add("forward", "y", forward.y);
  list.add("forward", "guidance", forward.guidance);
  list.add("forward", "clip_fea", forward.clip_fea);
  list.add("forward", "ref_latents", forward.ref_latents);
}

class FileList {
 public:
  std::vector<FileUse> take() { return std::move(uses_); }

  void add(std::string& file, FileKind kind, std::string path) {
    if (!file.empty()) uses_.push_back({&file, kind, std::move(path)});
  }

 private:
  std::vector<FileUse> uses_;
};

void add_model(FileList& list, Model& model) {
  list.add(model.file, FileKind::kCheckpoint, "model.file");
  list.add(model.vae, FileKind::kVae, "model.vae");
  for (std::size_t i = 0; i < model.text_encoders.size(); ++i) {
    list.add(model.text_encoders[i], FileKind::kTextEncoder, key_path("model.text_encoders", i));
  }
  list.add(model.upscale, FileKind::kUpscaleModel, "model.upscale");
  list.add(model.tokenizer, FileKind::kTokenizer, "model.tokenizer");
  for (std::size_t i = 0; i < model.loras.size(); ++i) {
    list.add(model.loras[i].file, FileKind::kLora, key_path(key_path("model.loras", i), "file"));
  }
  for (auto& [name, file] : model.embeddings) {
    list.add(file, FileKind::kEmbedding, key_path("model.embeddings", name));
  }
}

}  // namespace

std::vector<TensorUse> tensors_named(const Job& job) {
  TensorList list;
  add_conds(list, "positive", job.positive);
  add_conds(list, "negative", job.negative);
  add_conds(list, "middle", job.middle);
  if (job.latent) add_latent(list, *job.latent);
  list.add("noise", "tensor", job.noise.tensor);
  list.add("", "noise_mask", job.noise_mask);
  if (job.sampler) list.add("sampler", "sigmas", job.sampler->sigmas);
  list.add("", "start_image", job.start_image);
  list.add("", "clip_vision_image", job.clip_vision_image);
  if (job.upscale) list.add("upscale", "image", job.upscale->image);
  if (job.forward) add_forward(list, *job.forward);
  if (job.plugin) list.add("plugin", "tensors", job.plugin->tensors);
  return list.take();
}

std::string_view folder_name(FileKind kind) {
  constexpr std::array<std::string_view, 8> kFolders = {
      "checkpoints", "vae",   "text_encoders", "upscale_models",
      "tokenizers",  "loras", "embeddings",    "animatediff_models"};
  return kFolders.at(static_cast<std::size_t>(kind));
}

namespace {

std::vector<FileUse> all_named(Job& job) {
  FileList list;
  add_model(list, job.model);
  for (auto& [id, hooks] : job.hooks) {
    const std::string group = key_path("hooks", id);
    for (std::size_t i = 0; i < hooks.size(); ++i) {
      list.add(hooks[i].file, FileKind::kLora, key_path(key_path(group, i), "file"));
    }
  }
  if (job.motion) list.add(job.motion->file, FileKind::kMotionModel, "motion.file");
  return list.take();
}

bool stands_for_tensors(const FileUse& use) {
  return tensors_prefix(*use.file).has_value();
}

// A string of the format holds no NUL.
constexpr char kTensorsMark = '\0';

}  // namespace

std::string tensors_in_place_of_file(std::string_view prefix) {
  return kTensorsMark + std::string(prefix);
}

std::optional<std::string> tensors_prefix(const std::string& file) {
  if (file.empty() || file.front() != kTensorsMark) return std::nullopt;
  return file.substr(1);
}

std::vector<FileUse> files_named(Job& job) {
  std::vector<FileUse> uses = all_named(job);
  std::erase_if(uses, stands_for_tensors);
  return uses;
}

std::vector<FileUse> tensor_sources_named(Job& job) {
  std::vector<FileUse> uses = all_named(job);
  std::erase_if(uses, [](const FileUse& use) { return !stands_for_tensors(use); });
  return uses;
}

void resolve_paths(Job& job, std::string_view folder) {
  const std::filesystem::path base(folder);
  for (const FileUse& use : files_named(job)) {
    *use.file = (base / *use.file).lexically_normal().string();
  }
}

}  // namespace tandem::job

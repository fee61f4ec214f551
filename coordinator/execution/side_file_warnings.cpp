#include "coordinator/execution/side_file_warnings.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "coordinator/conditioning/hook_groups.hpp"
#include "coordinator/service/model_spec_of.hpp"
#include "models/checkpoint/detect.hpp"
#include "models/checkpoint/header_file.hpp"
#include "models/patches/delta_names.hpp"

namespace tandem::coordinator {
namespace {

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::vector<std::string> names_below(const std::string& file, const std::string& prefix) {
  const models::HeaderFile opened(file);
  std::vector<std::string> names;
  for (const auto& [name, entry] : opened.header().tensors) {
    if (name.starts_with(prefix)) names.push_back(name.substr(prefix.size()));
  }
  return names;
}

// Spellings of all parts of the job's model.
std::vector<models::LoraKeys> model_keys(const job::Job& job) {
  const models::Inspection found = models::inspect_model(model_spec_of(job));
  std::vector<models::LoraKeys> keys;
  if (found.unet) {
    keys.push_back(models::unet_lora_keys(names_below(found.unet->file, found.unet->prefix),
                                          found.unet->config));
  }
  const bool has_clip_l = std::ranges::any_of(
      found.encoders, [](const models::EncoderPart& part) { return part.section == "l"; });
  for (const models::EncoderPart& part : found.encoders) {
    keys.push_back(models::clip_lora_keys(names_below(part.file, part.prefix), part, has_clip_l));
  }
  return keys;
}

std::set<std::string> patch_files(const job::Job& job) {
  std::set<std::string> files;
  for (const job::Lora& lora : job.model.loras)
    files.insert(lora.file);
  for (const auto& [id, hooks] : job.hooks) {
    for (const job::Hook& hook : hooks) {
      if (is_weight_hook(hook)) files.insert(hook.file);
    }
  }
  return files;
}

std::vector<std::string> names_in(const AcceptedJob& job, const std::string& file) {
  const FileStamp& stamp = job.side_files.at(file);
  for (const auto& memory : job.memory_files) {
    if (memory->stamp == stamp) return memory->tensors;
  }
  return names_below(file, "");
}

void warn_of_unmatched(const AcceptedJob& accepted, JobProgress& progress) {
  const job::Job& job = accepted.job;
  const std::set<std::string> files = patch_files(job);
  if (files.empty()) return;
  const std::vector<models::LoraKeys> keys = model_keys(job);
  for (const std::string& file : files) {
    const std::vector<std::string> names = names_in(accepted, file);
    const std::vector<std::string> unmatched = models::unmatched_names(names, keys);
    if (unmatched.empty()) continue;
    progress.warning("lora_keys", file_name(accepted.side_files.at(file).path) + ": " +
                                      std::to_string(unmatched.size()) + " of " +
                                      std::to_string(names.size()) +
                                      " tensors match nothing in this model and are left out, "
                                      "such as '" +
                                      unmatched.front() + "'.");
  }
}

void warn_of_missing(const AcceptedJob& job, const std::vector<job::Cond>& conds,
                     const std::string& list, JobProgress& progress) {
  for (std::size_t i = 0; i < conds.size(); ++i)
    warn_of_missing(*job.embeddings, conds[i].prompt, list + "[" + std::to_string(i) + "]",
                    progress);
}

}  // namespace

void warn_of_missing(const Embeddings& embeddings, const job::Prompt& prompt,
                     const std::string& path, JobProgress& progress) {
  const std::size_t missing = missing_embeddings(embeddings, prompt);
  if (missing == 0) return;
  progress.warning("missing_embedding",
                   path + ": the text names " + std::to_string(missing) +
                       " embeddings that are neither among model.embeddings nor in a folder of "
                       "embeddings; their words are left out.");
}

void warn_of_widths(const Embeddings& embeddings, const ModelInfo& info, JobProgress& progress) {
  for (const auto& [name, source] : embeddings) {
    for (const TextEncoderInfo& encoder : info.text_encoders) {
      const std::int64_t width = source.width(encoder.name);
      if (width == 0 || width == encoder.width) continue;
      progress.warning("embedding_width",
                       "The embedding '" + name + "' is " + std::to_string(width) +
                           " wide, the text encoder " + encoder.name + " takes " +
                           std::to_string(encoder.width) + "; it is left out there.");
    }
  }
}

void warn_of_side_files(const AcceptedJob& job, JobProgress& progress) {
  warn_of_unmatched(job, progress);
  if (!job.embeddings) return;
  warn_of_widths(*job.embeddings, job.info, progress);
  warn_of_missing(job, job.job.positive, "positive", progress);
  warn_of_missing(job, job.job.negative, "negative", progress);
  warn_of_missing(job, job.job.middle, "middle", progress);
}

}  // namespace tandem::coordinator

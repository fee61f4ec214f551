#include "coordinator/execution/prompt_embeddings.hpp"

#include <set>

#include "models/checkpoint/header_file.hpp"
#include "models/text/embedding_words.hpp"

namespace tandem::coordinator {
namespace {

std::vector<std::string> texts_of(const job::Prompt& prompt) {
  if (const auto* one = std::get_if<job::TextPrompt>(&prompt)) return {one->text};
  if (const auto* two = std::get_if<job::DualTextPrompt>(&prompt))
    return {two->text_g, two->text_l};
  return {};
}

struct Names {
  std::set<std::string> known;
  std::set<std::string> missing;
};

Names names_in(const AcceptedJob& job, const job::Prompt& prompt) {
  const auto& embeddings = job.job.model.embeddings;
  Names names;
  for (const std::string& text : texts_of(prompt)) {
    const models::AskedEmbeddings asked = models::asked_embeddings(
        text, [&](std::string_view name) { return embeddings.contains(std::string(name)); });
    names.known.insert(asked.known.begin(), asked.known.end());
    names.missing.insert(asked.missing.begin(), asked.missing.end());
  }
  return names;
}

}  // namespace

std::optional<std::vector<EmbeddingFile>> prompt_embeddings(const AcceptedJob& job,
                                                            const job::Prompt& prompt) {
  const auto& embeddings = job.job.model.embeddings;
  if (embeddings.empty()) return std::nullopt;
  std::vector<EmbeddingFile> files;
  for (const std::string& name : names_in(job, prompt).known)
    files.push_back({name, job.side_files.at(embeddings.at(name))});
  return files;
}

std::size_t missing_embeddings(const AcceptedJob& job, const job::Prompt& prompt) {
  return names_in(job, prompt).missing.size();
}

std::int64_t embedding_width(const std::string& file, const std::string& encoder) {
  const models::HeaderFile opened(file);
  const auto& tensors = opened.header().tensors;
  const SafetensorsEntry* entry = opened.header().find(encoder == "g" ? "clip_g" : "clip_l");
  if (entry == nullptr && tensors.size() == 1) entry = &tensors.begin()->second;
  return entry != nullptr && !entry->layout.shape.empty() ? entry->layout.shape.back() : 0;
}

}  // namespace tandem::coordinator

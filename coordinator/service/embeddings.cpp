#include "coordinator/service/embeddings.hpp"

#include <algorithm>
#include <functional>
#include <set>
#include <string_view>
#include <utility>

#include "coordinator/service/embedding_folders.hpp"
#include "models/checkpoint/header_file.hpp"
#include "models/text/embedding_words.hpp"
#include "protocol/error.hpp"
#include "protocol/job/limits.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

using IsKnown = std::function<bool(std::string_view)>;

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

Names names_in(const job::Prompt& prompt, const IsKnown& is_known) {
  Names names;
  for (const std::string& text : texts_of(prompt)) {
    if (text.find(models::kEmbeddingMark) == std::string::npos) continue;
    const models::AskedEmbeddings asked = models::asked_embeddings(text, is_known);
    names.known.insert(asked.known.begin(), asked.known.end());
    names.missing.insert(asked.missing.begin(), asked.missing.end());
  }
  return names;
}

Names names_in(const job::Prompt& prompt, const Embeddings& embeddings) {
  return names_in(prompt,
                  [&](std::string_view name) { return embeddings.contains(std::string(name)); });
}

void add_prompts(std::vector<PromptUse>& uses, std::string_view list,
                 const std::vector<job::Cond>& conds) {
  for (std::size_t i = 0; i < conds.size(); ++i)
    uses.push_back({&conds[i].prompt, key_path(list, i)});
}

// Looks each name up once.
class EmbeddingFinder {
 public:
  EmbeddingFinder(const Embeddings& given, const ModelFolders& folders)
      : given_(given), folders_(folders), search_(folders.embeddings()) {}

  void look_through(const PromptUse& use) {
    names_in(*use.prompt,
             [&](std::string_view name) { return knows(std::string(name), use.path); });
  }
  Embeddings take() { return std::move(found_); }

 private:
  bool knows(const std::string& name, const std::string& path) {
    if (given_.contains(name) || found_.contains(name)) return true;
    if (missing_.contains(name)) return false;
    if (found_.size() + missing_.size() == job::kMaxEmbeddings) {
      throw Error(ErrorCode::kOutOfRange,
                  path + ": the texts name more than " + std::to_string(job::kMaxEmbeddings) +
                      " embeddings.",
                  {}, path);
    }
    const auto file = search_.find(name);
    if (file) {
      found_.emplace(name, open_embedding(folders_.within_roots(*file, path)));
    } else {
      missing_.insert(name);
    }
    return file.has_value();
  }

  const Embeddings& given_;
  const ModelFolders& folders_;
  EmbeddingFolders search_;
  Embeddings found_;
  std::set<std::string> missing_;
};

}  // namespace

std::int64_t EmbeddingSource::width(const std::string& encoder) const {
  return encoder == "g" ? width_g : width_l;
}

EmbeddingSource embedding_of(FileStamp file, std::span<const NamedLayout> tensors) {
  const auto width = [&](std::string_view own) -> std::int64_t {
    auto found = std::ranges::find(tensors, own, &NamedLayout::first);
    if (found == tensors.end() && tensors.size() == 1) found = tensors.begin();
    if (found == tensors.end() || found->second.shape.empty()) return 0;
    return found->second.shape.back();
  };
  return {std::move(file), width("clip_g"), width("clip_l")};
}

EmbeddingSource open_embedding(const std::string& file) {
  const models::HeaderFile opened(file);
  std::vector<NamedLayout> tensors;
  for (const auto& [name, entry] : opened.header().tensors)
    tensors.emplace_back(name, entry.layout);
  return embedding_of(opened.stamp(), tensors);
}

std::vector<PromptUse> prompts_of(const job::Job& job) {
  std::vector<PromptUse> uses;
  add_prompts(uses, "positive", job.positive);
  add_prompts(uses, "negative", job.negative);
  add_prompts(uses, "middle", job.middle);
  return uses;
}

Embeddings find_embeddings(std::span<const PromptUse> prompts, const Embeddings& given,
                           const ModelFolders& folders) {
  EmbeddingFinder finder(given, folders);
  for (const PromptUse& use : prompts)
    finder.look_through(use);
  return finder.take();
}

std::vector<EmbeddingFile> prompt_embeddings(const Embeddings& embeddings,
                                             const job::Prompt& prompt) {
  std::vector<EmbeddingFile> files;
  for (const std::string& name : names_in(prompt, embeddings).known)
    files.push_back({name, embeddings.at(name).file});
  return files;
}

std::size_t missing_embeddings(const Embeddings& embeddings, const job::Prompt& prompt) {
  return names_in(prompt, embeddings).missing.size();
}

}  // namespace tandem::coordinator

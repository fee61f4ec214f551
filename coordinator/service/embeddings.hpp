// What "embedding:NAME" means in a text: textual inversion, of the files that a job names and of
// those that lie in the embeddings folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coordinator/service/model_folders.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/job/job.hpp"
#include "protocol/safetensors.hpp"
#include "protocol/units/encode_text.hpp"

namespace tandem::coordinator {

struct EmbeddingSource {
  FileStamp file;
  // Of the vectors that CLIP-G, and that every other text encoder, finds there; 0 where the width
  // is not the only question which tensor is meant.
  std::int64_t width_g = 0;
  std::int64_t width_l = 0;

  // "l", "g", "h"
  std::int64_t width(const std::string& encoder) const;

  bool operator==(const EmbeddingSource&) const = default;
};

using Embeddings = std::map<std::string, EmbeddingSource>;  // by their names

// Reads the header. Throws kMissingFile and kBadCheckpoint as models::HeaderFile does.
EmbeddingSource open_embedding(const std::string& file);
// The tensors of a file.
EmbeddingSource embedding_of(FileStamp file, std::span<const NamedLayout> tensors);

// A prompt and the key that it stands under: "positive[0]".
struct PromptUse {
  const job::Prompt* prompt = nullptr;
  std::string path;
};

std::vector<PromptUse> prompts_of(const job::Job& job);

// Opens what the prompts name, `given` lacks and the embeddings folders have. Throws what
// EmbeddingFolders::find and open_embedding throw, kOutOfRange for a file outside the roots and
// past job::kMaxEmbeddings; as models::parse_prompt does.
Embeddings find_embeddings(std::span<const PromptUse> prompts, const Embeddings& given,
                           const ModelFolders& folders);

// Those that the prompt names, as its unit needs them. Throws as models::parse_prompt does.
std::vector<EmbeddingFile> prompt_embeddings(const Embeddings& embeddings,
                                             const job::Prompt& prompt);
// How many names the prompt has that mean nothing.
std::size_t missing_embeddings(const Embeddings& embeddings, const job::Prompt& prompt);

}  // namespace tandem::coordinator

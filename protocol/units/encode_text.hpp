// Unit kind: texts (or given tokens) to conds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/file_stamp.hpp"
#include "protocol/ids.hpp"
#include "protocol/patches.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct TextSection {
  std::string name;  // of the text encoder: "l", "g", "h"
  std::string text;

  bool operator==(const TextSection&) const = default;
};

struct WeightedToken {
  std::int64_t id = 0;
  double weight = 1.0;

  bool operator==(const WeightedToken&) const = default;
};

struct TokenSection {
  std::string name;
  std::vector<std::vector<WeightedToken>> chunks;  // 77 tokens each

  bool operator==(const TokenSection&) const = default;
};

// Textual inversion: what "embedding:NAME" in the sections' texts means.
struct EmbeddingFile {
  std::string name;
  FileStamp file;

  bool operator==(const EmbeddingFile&) const = default;
};

struct EncodeText {
  ModelId model;
  std::vector<TextSection> sections;
  // Given token ids and weights, (chunks, 77); then there are no sections.
  std::optional<TensorHandle> token_ids;
  std::optional<TensorHandle> token_weights;
  std::optional<int> clip_skip;
  bool want_cond = true;  // otherwise the tokens alone, without a forward pass
  PatchSet patches;
  // Of those that the texts name; nullopt: none is known at all, and the word is ordinary text.
  std::optional<std::vector<EmbeddingFile>> embeddings;

  bool operator==(const EncodeText&) const = default;
};

struct EncodeTextResult {
  std::optional<TensorHandle> cond;    // (1, tokens, width) float32
  std::optional<TensorHandle> pooled;  // (1, width) float32, where the encoder gives one
  std::vector<TokenSection> tokens;

  bool operator==(const EncodeTextResult&) const = default;
};

}  // namespace tandem

// "embedding:NAME" in prompts: textual inversion (Gal et al., "An Image is Worth One Word", 2022).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::models {

inline constexpr std::string_view kEmbeddingMark = "embedding:";

// The token ids, below 0, that stand for each embedding's vectors.
using EmbeddingIds = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

// A text that begins with the mark.
struct EmbeddingWord {
  std::string name;
  bool known = false;
  std::string rest;  // what follows, as ComfyUI reads on: its words with one space between
};

// Reads the name up to the first white space; where it is not known, without commas around it,
// which then belong to the rest.
EmbeddingWord read_embedding_word(std::string_view text,
                                  const std::function<bool(std::string_view)>& is_known);

// Cuts a text before every mark that follows a space or a line's end, and drops that character and
// empty texts.
std::vector<std::string_view> split_at_embeddings(std::string_view text);

// The names that a whole prompt asks for, each once, in their order. Throws as parse_prompt does.
struct AskedEmbeddings {
  std::vector<std::string> known;
  std::vector<std::string> missing;
};
AskedEmbeddings asked_embeddings(std::string_view prompt,
                                 const std::function<bool(std::string_view)>& is_known);

}  // namespace tandem::models

// ComfyUI's prompts: weights in parentheses, and the cutting of a long prompt into chunks of CLIP's
// length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/text/embedding_words.hpp"
#include "models/text/tokenizers/bpe.hpp"

namespace tandem::models {

struct WeightedText {
  std::string text;
  double weight = 1.0;

  bool operator==(const WeightedText&) const = default;
};

struct WeightedToken {
  std::int64_t id = 0;
  double weight = 1.0;

  bool operator==(const WeightedToken&) const = default;
};

// What CLIP sees at once: start, up to 75 tokens, end, padding.
inline constexpr std::size_t kChunkLength = 77;
using TokenChunk = std::vector<WeightedToken>;

// Splits a prompt at its parentheses:
//   (text) weighs 1.1 times what is around it; (text:1.3) weighs 1.3, whatever is around it;
//   \( and \) are ordinary parentheses; a number that Python's float() does not take is text.
// Unbalanced parentheses stay text; one that closes too much lets the next one open nothing.
// Throws kOutOfRange where parentheses nest more than 900 deep (Python's recursion ends the
// reference there too).
std::vector<WeightedText> parse_prompt(std::string_view prompt);

// The chunks of a prompt, at least one, each of kChunkLength tokens. A weighted text of fewer than
// 8 tokens is not divided between chunks, a longer one is. A chunk that ends early is filled with
// `pad_id`; start, end and padding weigh 1. "embedding:" begins a text of its own; what follows is
// replaced by the embedding's ids, or dropped where `embeddings` lacks the name. nullptr: no
// embedding is known at all, and the word is ordinary text. Throws as parse_prompt and
// BpeTokenizer::encode do, whose limit of length holds for the whole prompt.
std::vector<TokenChunk> tokenize_prompt(const BpeTokenizer& tokenizer, std::string_view prompt,
                                        std::int64_t pad_id,
                                        const EmbeddingIds* embeddings = nullptr);

}  // namespace tandem::models

// The vocabulary files of CLIP's tokenizer: pieces and merges, as written by OpenAI and by Hugging
// Face.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tandem::models {

inline constexpr const char* kClipStart = "<|startoftext|>";
inline constexpr const char* kClipEnd = "<|endoftext|>";
// Marks a piece that ends a word.
inline constexpr const char* kEndOfWord = "</w>";

// Pieces are spelled in GPT-2's byte alphabet (byte_piece); those that end a word carry kEndOfWord.
struct BpeVocabulary {
  std::unordered_map<std::string, std::int64_t> ids;
  std::vector<std::pair<std::string, std::string>> merges;  // the first one has the best rank
};

// How GPT-2's alphabet writes a byte: printable Latin-1 as itself, any other as a code point from
// 256 on.
std::string byte_piece(unsigned char byte);

// Reads a vocabulary from
//   a folder with vocab.json and merges.txt, or with tokenizer.json (transformers),
//   a tokenizer.json (tokenizers), or
//   a list of merges, plain or gzipped (open_clip's bpe_simple_vocab_16e6.txt.gz), whose ids follow
//   from the order.
// Errors name the file: kMissingFile where it cannot be opened, kBadCheckpoint where it is larger
// than 64 MiB, holds more than 2^20 pieces or merges, or is not of these forms.
BpeVocabulary read_bpe_vocabulary(const std::filesystem::path& path);

// The vocabulary that Tandem ships with: the environment's TANDEM_CLIP_VOCABULARY, else
// ../share/tandem/bpe_simple_vocab_16e6.txt.gz beside the program, else the one that the build was
// configured with.
std::filesystem::path shipped_bpe_vocabulary();

}  // namespace tandem::models

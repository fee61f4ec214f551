// CLIP's byte-pair tokenizer: text to ids, as transformers' CLIPTokenizer without ftfy gives them.
//
// Byte-pair encoding: Sennrich et al., "Neural Machine Translation of Rare Words with Subword
// Units", 2016. On bytes and with word ends: Radford et al., "Learning Transferable Visual Models
// From Natural Language Supervision", 2021.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "models/text/tokenizers/bpe_vocabulary.hpp"

namespace tandem::models {

// Immutable once built, so one may serve any number of threads and models.
class BpeTokenizer {
 public:
  // Longest text that encode() takes, in bytes.
  static constexpr std::size_t kMaxTextBytes = std::size_t{64} << 10;

  // Throws kBadCheckpoint where the vocabulary lacks the ids of start or end.
  explicit BpeTokenizer(const BpeVocabulary& vocabulary);

  // The ids of a UTF-8 text, without start and end around it; a literal <|startoftext|> or
  // <|endoftext|> in the text gives that token. Throws kBadRequest for text that is no UTF-8,
  // kOutOfRange for one over kMaxTextBytes.
  std::vector<std::int64_t> encode(std::string_view text) const;

  std::int64_t start_id() const { return start_id_; }
  std::int64_t end_id() const { return end_id_; }

 private:
  using Symbol = std::uint32_t;  // index into ids_: a piece, whether the vocabulary has it or not

  struct Merge {
    std::uint32_t rank;
    Symbol result;
  };
  struct Word;

  Symbol intern(const std::string& piece, const BpeVocabulary& vocabulary);
  const Merge* find_merge(Symbol first, Symbol second) const;
  void encode_part(std::string_view text, std::vector<std::int64_t>& ids) const;
  void encode_word(std::string_view word, std::vector<std::int64_t>& ids) const;
  void merge_pairs(Word& word) const;

  std::unordered_map<std::string, Symbol> symbols_;
  std::vector<std::int64_t> ids_;
  std::unordered_map<std::uint64_t, Merge> merges_;  // by first << 32 | second
  std::array<Symbol, 256> inner_{};                  // a byte inside a word
  std::array<Symbol, 256> last_{};                   // a byte that ends a word
  std::int64_t start_id_ = 0;
  std::int64_t end_id_ = 0;
};

}  // namespace tandem::models

#include "models/text/tokenizers/bpe.hpp"

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "models/text/tokenizers/pre_tokenizer.hpp"
#include "models/text/tokenizers/unicode.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

std::uint64_t pair_key(std::uint32_t first, std::uint32_t second) {
  return std::uint64_t{first} << 32 | second;
}

std::int64_t special_id(const BpeVocabulary& vocabulary, const char* piece) {
  const auto found = vocabulary.ids.find(piece);
  if (found != vocabulary.ids.end()) return found->second;
  throw Error(ErrorCode::kBadCheckpoint, std::string("CLIP's vocabulary must hold ") + piece + ".");
}

// A literal start or end token in a text.
struct Literal {
  std::size_t at;
  std::string_view piece;
};

Literal next_literal(std::string_view text) {
  const Literal start{text.find(kClipStart), kClipStart};
  const Literal end{text.find(kClipEnd), kClipEnd};
  return start.at < end.at ? start : end;
}

}  // namespace

// A word as a linked list of symbols over fixed places.
struct BpeTokenizer::Word {
  explicit Word(std::vector<Symbol> from) : symbols(std::move(from)) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      previous.push_back(i == 0 ? kNone : i - 1);
      next.push_back(i + 1 == symbols.size() ? kNone : i + 1);
    }
  }

  // Puts `symbol` in the place of the two symbols from `at`.
  void join(std::size_t at, Symbol symbol) {
    const std::size_t gone = next[at];
    symbols[at] = symbol;
    next[at] = next[gone];
    if (next[at] != kNone) previous[next[at]] = at;
    next[gone] = gone;  // marks the place as empty
  }
  bool has_pair(std::size_t at) const { return next[at] != kNone && next[at] != at; }

  std::vector<Symbol> symbols;
  std::vector<std::size_t> previous, next;
};

BpeTokenizer::BpeTokenizer(const BpeVocabulary& vocabulary)
    : start_id_(special_id(vocabulary, kClipStart)), end_id_(special_id(vocabulary, kClipEnd)) {
  for (std::size_t byte = 0; byte < inner_.size(); ++byte) {
    const std::string piece = byte_piece(static_cast<unsigned char>(byte));
    inner_[byte] = intern(piece, vocabulary);
    last_[byte] = intern(piece + kEndOfWord, vocabulary);
  }
  std::uint32_t rank = 0;
  for (const auto& [first, second] : vocabulary.merges) {
    const auto key = pair_key(intern(first, vocabulary), intern(second, vocabulary));
    merges_.insert_or_assign(key, Merge{rank++, intern(first + second, vocabulary)});
  }
}

// A piece that the vocabulary lacks becomes the end token, which is CLIP's unknown token too.
BpeTokenizer::Symbol BpeTokenizer::intern(const std::string& piece,
                                          const BpeVocabulary& vocabulary) {
  const auto [entry, added] = symbols_.try_emplace(piece, static_cast<Symbol>(ids_.size()));
  if (added) {
    const auto found = vocabulary.ids.find(piece);
    ids_.push_back(found != vocabulary.ids.end() ? found->second : end_id_);
  }
  return entry->second;
}

const BpeTokenizer::Merge* BpeTokenizer::find_merge(Symbol first, Symbol second) const {
  const auto found = merges_.find(pair_key(first, second));
  return found != merges_.end() ? &found->second : nullptr;
}

// Like the reference, takes the best pair of the whole word, joins all its occurrences from left to
// right, and only then looks again. The queue makes that n log n, so that one long word cannot hold
// up a worker.
void BpeTokenizer::merge_pairs(Word& word) const {
  using Entry = std::pair<std::uint32_t, std::size_t>;  // rank, place
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  const auto merge_at = [&](std::size_t at) {
    return word.has_pair(at) ? find_merge(word.symbols[at], word.symbols[word.next[at]]) : nullptr;
  };
  const auto push = [&](std::size_t at) {
    if (const Merge* merge = merge_at(at); merge != nullptr) queue.emplace(merge->rank, at);
  };
  for (std::size_t i = 0; i < word.symbols.size(); ++i)
    push(i);

  std::vector<std::size_t> places;
  while (!queue.empty()) {
    const std::uint32_t rank = queue.top().first;
    for (places.clear(); !queue.empty() && queue.top().first == rank; queue.pop()) {
      places.push_back(queue.top().second);
    }
    for (const std::size_t at : places) {
      const Merge* merge = merge_at(at);
      if (merge == nullptr || merge->rank != rank) continue;  // a neighbour took part of the pair
      word.join(at, merge->result);
      push(at);
      if (word.previous[at] != kNone) push(word.previous[at]);
    }
  }
}

void BpeTokenizer::encode_word(std::string_view word, std::vector<std::int64_t>& ids) const {
  if (word == kClipStart || word == kClipEnd) {
    ids.push_back(word == kClipStart ? start_id_ : end_id_);
    return;
  }
  std::vector<Symbol> symbols;
  for (const char c : word)
    symbols.push_back(inner_[static_cast<unsigned char>(c)]);
  symbols.back() = last_[static_cast<unsigned char>(word.back())];
  Word list(std::move(symbols));
  merge_pairs(list);
  for (std::size_t at = 0; at != kNone; at = list.next[at])
    ids.push_back(ids_[list.symbols[at]]);
}

void BpeTokenizer::encode_part(std::string_view text, std::vector<std::int64_t>& ids) const {
  for (const std::u32string& word : split_clip_words(decode_utf8(text))) {
    std::string bytes;
    for (const char32_t point : word)
      append_utf8(bytes, point);
    encode_word(bytes, ids);
  }
}

std::vector<std::int64_t> BpeTokenizer::encode(std::string_view text) const {
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorCode::kOutOfRange, "A text may have at most 65536 bytes, but this one has " +
                                            std::to_string(text.size()) + ".");
  }
  std::vector<std::int64_t> ids;
  for (auto literal = next_literal(text); literal.at != std::string_view::npos;
       literal = next_literal(text)) {
    encode_part(text.substr(0, literal.at), ids);
    encode_word(literal.piece, ids);
    text.remove_prefix(literal.at + literal.piece.size());
  }
  encode_part(text, ids);
  return ids;
}

}  // namespace tandem::models

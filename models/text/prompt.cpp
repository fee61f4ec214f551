#include "models/text/prompt.hpp"

#include <algorithm>
#include <array>

#include "models/text/python_float.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr int kMaxNesting = 900;
// From this many tokens on, a weighted text may be divided between chunks.
constexpr std::size_t kDivisibleLength = 8;

// Escaped parentheses travel through the parser as these control characters, which no font shows.
constexpr std::string_view kEscapedClose("\0\1", 2);
constexpr std::string_view kEscapedOpen("\0\2", 2);

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string escape(std::string_view text) {
  return replace_all(replace_all(std::string(text), "\\)", kEscapedClose), "\\(", kEscapedOpen);
}

std::string unescape(std::string_view text) {
  return replace_all(replace_all(std::string(text), kEscapedClose, ")"), kEscapedOpen, "(");
}

// The outermost parenthesised parts and what is between them. The level goes below zero after a
// surplus ")", and a
// "(" there is text.
std::vector<std::string_view> split_at_parentheses(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int level = 0;
  const auto cut = [&](std::size_t end) {
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') {
      if (level++ == 0) cut(i);
    } else if (text[i] == ')') {
      if (--level == 0) cut(i + 1);
    }
  }
  cut(text.size());
  return parts;
}

bool is_parenthesised(std::string_view part) {
  return part.size() >= 2 && part.front() == '(' && part.back() == ')';
}

void parse_weights(std::string_view text, double weight, int depth,
                   std::vector<WeightedText>& out) {
  if (depth > kMaxNesting) {
    throw Error(ErrorCode::kOutOfRange, "A prompt's parentheses may nest at most 900 deep.",
                "Write ordinary parentheses as \\( and \\).");
  }
  for (std::string_view part : split_at_parentheses(text)) {
    if (!is_parenthesised(part)) {
      out.push_back({std::string(part), weight});
      continue;
    }
    part = part.substr(1, part.size() - 2);
    double inner = weight * 1.1;
    // A colon at the very start has no text to weigh: it stays text.
    if (const auto colon = part.rfind(':'); colon != std::string_view::npos && colon > 0) {
      if (const auto number = parse_python_float(part.substr(colon + 1))) {
        inner = *number;
        part = part.substr(0, colon);
      }
    }
    parse_weights(part, inner, depth + 1, out);
  }
}

// The ids of a text: of an embedding's vectors, of the text behind it, or of ordinary text. Each is
// a group, which is not divided between chunks where it is short.
std::vector<std::vector<std::int64_t>> encode_text(const BpeTokenizer& tokenizer,
                                                   std::string_view text,
                                                   const EmbeddingIds* embeddings) {
  if (embeddings == nullptr || !text.starts_with(kEmbeddingMark)) return {tokenizer.encode(text)};
  const EmbeddingWord word = read_embedding_word(
      text, [&](std::string_view name) { return embeddings->find(name) != embeddings->end(); });
  std::vector<std::vector<std::int64_t>> groups;
  if (word.known) groups.push_back(embeddings->find(word.name)->second);
  if (!word.rest.empty()) groups.push_back(tokenizer.encode(word.rest));
  return groups;
}

// Fills chunks one after the other.
class ChunkWriter {
 public:
  ChunkWriter(std::int64_t start, std::int64_t end, std::int64_t pad)
      : start_{start}, end_{end}, pad_{pad}, chunks_{{start_}} {}

  void add(std::vector<WeightedToken> group) {
    const bool divisible = group.size() >= kDivisibleLength;
    while (group.size() > room()) {
      if (divisible) move_front(group, room());
      begin_chunk();
    }
    move_front(group, group.size());
  }

  std::vector<TokenChunk> finish() {
    close_chunk();
    return std::move(chunks_);
  }

 private:
  std::size_t room() const { return kChunkLength - 1 - chunks_.back().size(); }

  void move_front(std::vector<WeightedToken>& group, std::size_t count) {
    const auto middle = group.begin() + static_cast<std::ptrdiff_t>(count);
    chunks_.back().insert(chunks_.back().end(), group.begin(), middle);
    group.erase(group.begin(), middle);
  }
  void close_chunk() {
    chunks_.back().push_back(end_);
    chunks_.back().resize(kChunkLength, pad_);
  }
  void begin_chunk() {
    close_chunk();
    chunks_.push_back({start_});
  }

  WeightedToken start_, end_, pad_;
  std::vector<TokenChunk> chunks_;
};

}  // namespace

std::vector<WeightedText> parse_prompt(std::string_view prompt) {
  std::vector<WeightedText> parts;
  parse_weights(escape(prompt), 1.0, 0, parts);
  for (WeightedText& part : parts)
    part.text = unescape(part.text);
  return parts;
}

std::vector<TokenChunk> tokenize_prompt(const BpeTokenizer& tokenizer, std::string_view prompt,
                                        std::int64_t pad_id, const EmbeddingIds* embeddings) {
  if (prompt.size() > BpeTokenizer::kMaxTextBytes) {
    throw Error(ErrorCode::kOutOfRange, "A prompt may have at most 65536 bytes, but this one has " +
                                            std::to_string(prompt.size()) + ".");
  }
  ChunkWriter chunks(tokenizer.start_id(), tokenizer.end_id(), pad_id);
  for (const auto& [text, weight] : parse_prompt(prompt)) {
    for (const std::string_view word : split_at_embeddings(text)) {
      for (const auto& ids : encode_text(tokenizer, word, embeddings)) {
        std::vector<WeightedToken> group;
        for (const std::int64_t id : ids)
          group.push_back({id, weight});
        chunks.add(std::move(group));
      }
    }
  }
  return chunks.finish();
}

}  // namespace tandem::models

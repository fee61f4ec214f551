#include "models/text/embedding_words.hpp"

#include <algorithm>

#include "models/text/prompt.hpp"

namespace tandem::models {
namespace {

// What Python's str.split() cuts at, of ASCII.
constexpr std::string_view kSpaces(" \t\n\v\f\r\x1c\x1d\x1e\x1f", 10);

std::size_t find_mark(std::string_view text) {
  return std::min(text.find(" embedding:"), text.find("\nembedding:"));
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = text.find_first_not_of(kSpaces);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    words.push_back(text.substr(0, text.find_first_of(kSpaces)));
    text.remove_prefix(words.back().size());
  }
}

std::string_view without_commas(std::string_view name) {
  const auto first = name.find_first_not_of(',');
  if (first == std::string_view::npos) return {};
  return name.substr(first, name.find_last_not_of(',') - first + 1);
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

EmbeddingWord read_embedding_word(std::string_view text,
                                  const std::function<bool(std::string_view)>& is_known) {
  const auto words = split_words(text.substr(kEmbeddingMark.size()));
  if (words.empty()) return {};
  EmbeddingWord word = {std::string(words.front()), is_known(words.front()), {}};
  for (auto it = words.begin() + 1; it != words.end(); ++it) {
    word.rest += (it == words.begin() + 1 ? "" : " ") + std::string(*it);
  }
  const std::string_view stripped = without_commas(words.front());
  if (word.known || stripped.size() == words.front().size()) return word;
  word.rest = std::string(words.front().substr(stripped.size())) + " " + word.rest;
  word.name = stripped;
  word.known = is_known(stripped);
  return word;
}

std::vector<std::string_view> split_at_embeddings(std::string_view text) {
  std::vector<std::string_view> words;
  const auto add = [&](std::string_view word) {
    if (!word.empty()) words.push_back(word);
  };
  for (auto at = find_mark(text); at != std::string_view::npos; at = find_mark(text)) {
    add(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  add(text);
  return words;
}

AskedEmbeddings asked_embeddings(std::string_view prompt,
                                 const std::function<bool(std::string_view)>& is_known) {
  AskedEmbeddings asked;
  for (const WeightedText& part : parse_prompt(prompt)) {
    for (const std::string_view text : split_at_embeddings(part.text)) {
      if (!text.starts_with(kEmbeddingMark)) continue;
      const EmbeddingWord word = read_embedding_word(text, is_known);
      add_once(word.known ? asked.known : asked.missing, word.name);
    }
  }
  return asked;
}

}  // namespace tandem::models

#include "models/text/tokenizers/pre_tokenizer.hpp"

#include <algorithm>
#include <array>

#include "models/text/tokenizers/unicode.hpp"

namespace tandem::models {
namespace {

// In the order in which the pattern tries them.
constexpr std::array<std::u32string_view, 9> kFixedWords = {
    U"<|startoftext|>", U"<|endoftext|>", U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"};

// The ideographs that BERT sets apart; kana and hangul are not among them.
bool is_ideograph(char32_t p) {
  return (p >= 0x4E00 && p <= 0x9FFF) || (p >= 0x3400 && p <= 0x4DBF) ||
         (p >= 0x20000 && p <= 0x2A6DF) || (p >= 0x2A700 && p <= 0x2CEAF) ||
         (p >= 0xF900 && p <= 0xFAFF) || (p >= 0x2F800 && p <= 0x2FA1F);
}

bool is_tab_or_line_end(char32_t point) {
  return point == U'\t' || point == U'\n' || point == U'\r';
}

std::u32string clean(std::u32string_view text) {
  constexpr char32_t kReplacement = 0xFFFD;
  std::u32string cleaned;
  for (const char32_t point : text) {
    if (is_tab_or_line_end(point) || is_space_separator(point)) {
      cleaned.push_back(U' ');
    } else if (is_ideograph(point)) {
      cleaned.append({U' ', point, U' '});
    } else if (!is_control(point) && point != kReplacement) {
      cleaned.push_back(point);
    }
  }
  return compose(cleaned);
}

// The pattern ignores case, and the long s is the one letter that str.lower() leaves which folds to
// one of its own.
char32_t fold(char32_t point) {
  return point == 0x17F ? U's' : point;
}

bool starts_with_folded(std::u32string_view text, std::u32string_view word) {
  return text.size() >= word.size() &&
         std::equal(word.begin(), word.end(), text.begin(),
                    [](char32_t want, char32_t got) { return want == fold(got); });
}

template <class Predicate>
std::size_t run_length(std::u32string_view text, Predicate belongs) {
  const auto* end = std::find_if_not(text.begin(), text.end(), belongs);
  return static_cast<std::size_t>(end - text.begin());
}

// The combining iota: a mark whose case folds to a letter. Ignoring case, the pattern takes it for
// neither and skips it.
constexpr char32_t kYpogegrammeni = 0x345;

bool is_other(char32_t point) {
  return !is_letter(point) && !is_number(point) && point != kYpogegrammeni;
}

// Length of the word at the start of a text without white space.
std::size_t word_length(std::u32string_view text) {
  for (const auto word : kFixedWords) {
    if (starts_with_folded(text, word)) return word.size();
  }
  if (is_letter(text.front())) return run_length(text, is_letter);
  if (is_number(text.front())) return 1;
  return run_length(text, is_other);
}

void split_word(std::u32string_view text, std::vector<std::u32string>& words) {
  while (!text.empty()) {
    if (text.front() == kYpogegrammeni) {
      text.remove_prefix(1);
      continue;
    }
    words.emplace_back(text.substr(0, word_length(text)));
    text.remove_prefix(words.back().size());
  }
}

}  // namespace

std::vector<std::u32string> split_clip_words(std::u32string_view text) {
  const std::u32string cleaned = clean(text);
  std::vector<std::u32string> words;
  std::u32string_view rest = cleaned;
  while (!rest.empty()) {
    rest.remove_prefix(run_length(rest, is_whitespace));
    const auto length = run_length(rest, [](char32_t point) { return !is_whitespace(point); });
    const std::u32string lower = lower_case(rest.substr(0, length));
    split_word(lower, words);
    rest.remove_prefix(length);
  }
  return words;
}

}  // namespace tandem::models

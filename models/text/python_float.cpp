#include "models/text/python_float.hpp"

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string>

#include "models/text/tokenizers/unicode.hpp"

namespace tandem::models {
namespace {

// Unicode assigns decimal digits in runs of ten, from zero to nine, some of which touch.
char decimal_value(char32_t digit) {
  char32_t first = digit;
  while (is_decimal_digit(first - 1))
    --first;
  return static_cast<char>('0' + (digit - first) % 10);
}

// White space is looked for beyond ASCII only: U+001C to U+001F are none here, unlike elsewhere in
// Python.
std::string to_ascii(std::u32string_view text) {
  std::string out;
  for (const char32_t point : text) {
    if (point < 0x80) {
      out.push_back(static_cast<char>(point));
    } else if (is_decimal_digit(point)) {
      out.push_back(decimal_value(point));
    } else {
      out.push_back(is_whitespace(point) ? ' ' : '?');
    }
  }
  return out;
}

std::string_view strip(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Nothing where an underscore is not between two digits.
std::optional<std::string> drop_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out.push_back(text[i]);
    } else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return out;
}

std::size_t take_digits(std::string_view& text) {
  const auto* end = std::find_if_not(text.begin(), text.end(), is_digit);
  const auto count = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(count);
  return count;
}

bool take_one_of(std::string_view& text, std::string_view choices) {
  if (text.empty() || choices.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// [sign] digits [. digits] [e [sign] digits], with a digit on at least one side of the point.
bool is_decimal_number(std::string_view text) {
  take_one_of(text, "+-");
  std::size_t digits = take_digits(text);
  if (take_one_of(text, ".")) digits += take_digits(text);
  if (digits == 0) return false;
  if (!take_one_of(text, "eE")) return text.empty();
  take_one_of(text, "+-");
  return take_digits(text) > 0 && text.empty();
}

bool is_named_number(std::string_view text) {
  take_one_of(text, "+-");
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower == "inf" || lower == "infinity" || lower == "nan";
}

}  // namespace

std::optional<double> parse_python_float(std::string_view text) {
  const std::string ascii = to_ascii(decode_utf8(text));
  const auto number = drop_underscores(strip(ascii));
  if (!number || !(is_decimal_number(*number) || is_named_number(*number))) return std::nullopt;
  // Not std::from_chars: it leaves open whether a number out of range is too large or too small.
  static const locale_t kClassic = newlocale(LC_ALL_MASK, "C", nullptr);
  return strtod_l(number->c_str(), nullptr, kClassic);
}

}  // namespace tandem::models

#include "models/text/tokenizers/unicode.hpp"

#include <array>
#include <cstdlib>
#include <memory>
#include <utf8proc.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

struct Range {
  char32_t first, last;
};

// Cased although not Lu, Ll or Lt: Other_Lowercase and Other_Uppercase less the letters that are
// Case_Ignorable.
constexpr std::array kOtherCased = {
    Range{0xAA, 0xAA},       Range{0xBA, 0xBA},       Range{0x2160, 0x217F},
    Range{0x24B6, 0x24E9},   Range{0x1F130, 0x1F149}, Range{0x1F150, 0x1F169},
    Range{0x1F170, 0x1F189},
};

// Case_Ignorable although not Mn, Me, Cf, Lm or Sk: the word breaks MidLetter, MidNumLet and
// Single_Quote.
constexpr std::array kOtherCaseIgnorable = {
    Range{0x27, 0x27},     Range{0x2E, 0x2E},     Range{0x3A, 0x3A},     Range{0xB7, 0xB7},
    Range{0x387, 0x387},   Range{0x55F, 0x55F},   Range{0x5F4, 0x5F4},   Range{0x2018, 0x2019},
    Range{0x2024, 0x2024}, Range{0x2027, 0x2027}, Range{0xFE13, 0xFE13}, Range{0xFE52, 0xFE52},
    Range{0xFE55, 0xFE55}, Range{0xFF07, 0xFF07}, Range{0xFF0E, 0xFF0E}, Range{0xFF1A, 0xFF1A},
};

constexpr char32_t kCapitalDottedI = 0x130;
constexpr char32_t kCombiningDotAbove = 0x307;
constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSmallSigma = 0x3C3;
constexpr char32_t kSmallFinalSigma = 0x3C2;

utf8proc_int32_t as_signed(char32_t point) {
  return static_cast<utf8proc_int32_t>(point);
}

utf8proc_category_t category(char32_t point) {
  return utf8proc_category(as_signed(point));
}

template <class Ranges>
bool contains(const Ranges& ranges, char32_t point) {
  for (const Range& range : ranges) {
    if (point >= range.first && point <= range.last) return true;
  }
  return false;
}

bool is_cased(char32_t point) {
  const auto c = category(point);
  return c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LL || c == UTF8PROC_CATEGORY_LT ||
         contains(kOtherCased, point);
}

bool is_case_ignorable(char32_t point) {
  const auto c = category(point);
  return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_CF ||
         c == UTF8PROC_CATEGORY_LM || c == UTF8PROC_CATEGORY_SK ||
         contains(kOtherCaseIgnorable, point);
}

// Whether the first character that is not case-ignorable is cased.
template <class Iterator>
bool starts_cased(Iterator first, Iterator last) {
  while (first != last && is_case_ignorable(*first))
    ++first;
  return first != last && is_cased(*first);
}

// Final_Sigma of The Unicode Standard, table 3-17: a cased letter before it and none after it.
bool is_final_sigma(std::u32string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  const auto after = text.substr(at + 1);
  return starts_cased(before.rbegin(), before.rend()) && !starts_cased(after.begin(), after.end());
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t point = 0;
    const auto used = utf8proc_iterate(at, left, &point);
    if (used <= 0) {
      throw Error(ErrorCode::kBadRequest,
                  "A text must be UTF-8, but the bytes from position " +
                      std::to_string(text.size() - static_cast<std::size_t>(left)) + " are not.");
    }
    points.push_back(static_cast<char32_t>(point));
    at += used;
    left -= used;
  }
  return points;
}

void append_utf8(std::string& out, char32_t point) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto count = utf8proc_encode_char(as_signed(point), bytes.data());
  out.append(bytes.begin(), bytes.begin() + count);
}

bool is_letter(char32_t point) {
  const auto c = category(point);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t point) {
  const auto c = category(point);
  return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool is_control(char32_t point) {
  const auto c = category(point);
  return c == UTF8PROC_CATEGORY_CN || c >= UTF8PROC_CATEGORY_CC;
}

bool is_space_separator(char32_t point) {
  return category(point) == UTF8PROC_CATEGORY_ZS;
}

bool is_decimal_digit(char32_t point) {
  return category(point) == UTF8PROC_CATEGORY_ND;
}

bool is_whitespace(char32_t point) {
  return (point >= 0x9 && point <= 0xD) || (point >= 0x1C && point <= 0x1F) || point == 0x85 ||
         point == 0x2028 || point == 0x2029 || is_space_separator(point);
}

std::u32string compose(std::u32string_view text) {
  std::string bytes;
  for (const char32_t point : text)
    append_utf8(bytes, point);
  utf8proc_uint8_t* composed = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                   static_cast<utf8proc_ssize_t>(bytes.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  if (size < 0) {
    throw Error(ErrorCode::kInternal,
                std::string("A text could not be normalised: ") + utf8proc_errmsg(size) + ".");
  }
  return decode_utf8({reinterpret_cast<const char*>(composed), static_cast<std::size_t>(size)});
}

std::u32string lower_case(std::u32string_view text) {
  std::u32string lower;
  lower.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kCapitalSigma) {
      lower.push_back(is_final_sigma(text, i) ? kSmallFinalSigma : kSmallSigma);
    } else if (text[i] == kCapitalDottedI) {
      lower.append({U'i', kCombiningDotAbove});
    } else {
      lower.push_back(static_cast<char32_t>(utf8proc_tolower(as_signed(text[i]))));
    }
  }
  return lower;
}

}  // namespace tandem::models

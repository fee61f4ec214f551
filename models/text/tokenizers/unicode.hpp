// Unicode as Python's str and unicodedata see it, which is what the reference's tokenizers are
// written against.
#pragma once

#include <string>
#include <string_view>

namespace tandem::models {

// Code points of UTF-8 text. Throws kBadRequest where the bytes are no valid UTF-8.
std::u32string decode_utf8(std::string_view text);
// Appends the UTF-8 bytes of a code point, which must be a valid one.
void append_utf8(std::string& out, char32_t point);

// Unicode's general categories: L*, N*, C* (unassigned and private ones too), Zs, Nd.
bool is_letter(char32_t point);
bool is_number(char32_t point);
bool is_control(char32_t point);
bool is_space_separator(char32_t point);
bool is_decimal_digit(char32_t point);

// What str.split() splits at.
bool is_whitespace(char32_t point);

// Canonical composition (NFC, Unicode Standard Annex 15).
std::u32string compose(std::u32string_view text);
// str.lower(): simple mappings, the one unconditional special one (U+0130) and the final sigma,
// whose context is the text given here.
std::u32string lower_case(std::u32string_view text);

}  // namespace tandem::models

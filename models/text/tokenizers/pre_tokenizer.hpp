// The first half of CLIP's tokenizer: cleaning a text and cutting it into the words that are
// encoded apart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tandem::models {

// The words of a text, lower-cased, in order and without the space between them. Follows
// transformers' CLIPTokenizer where ftfy is absent: its BasicTokenizer (control characters dropped,
// ideographs set apart, NFC, accents kept), then the pattern  <|startoftext|> | <|endoftext|> | 's
// | 't | 're | 've | 'm | 'll | 'd | letters | one number | others.
std::vector<std::u32string> split_clip_words(std::u32string_view text);

}  // namespace tandem::models

// The files that make_tokenizer_cases.py writes: texts and what the reference makes of them.
#pragma once

#include <string>

#include <boost/json.hpp>

#include "models/text/tokenizers/bpe.hpp"

namespace tandem::models {

boost::json::array read_reference_cases(const std::string& file);

// CLIP's own, read once.
const BpeTokenizer& clip_tokenizer();

}  // namespace tandem::models

#include "tests/models/text/reference_cases.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace tandem::models {

boost::json::array read_reference_cases(const std::string& file) {
  std::ifstream stream(std::filesystem::path(TANDEM_TEST_CASES_DIR) / file);
  std::stringstream text;
  text << stream.rdbuf();
  return boost::json::parse(text.str()).as_array();
}

const BpeTokenizer& clip_tokenizer() {
  static const BpeTokenizer kTokenizer(read_bpe_vocabulary(shipped_bpe_vocabulary()));
  return kTokenizer;
}

}  // namespace tandem::models

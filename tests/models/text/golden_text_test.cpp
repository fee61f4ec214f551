// Every text case of the golden tree: the tokens exactly, the encodings within their tolerance.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/checkpoint/checkpoint.hpp"
#include "models/checkpoint/detect.hpp"
#include "models/text/text_encoder.hpp"
#include "tests/models/golden_case.hpp"

namespace tandem::models {
namespace {

namespace json = boost::json;

std::shared_ptr<const BpeTokenizer> tokenizer() {
  static const auto kTokenizer =
      std::make_shared<const BpeTokenizer>(read_bpe_vocabulary(shipped_bpe_vocabulary()));
  return kTokenizer;
}

TextEncoder load_encoder(const ModelSpec& spec) {
  std::vector<TextEncoderPart> parts;
  for (const EncoderPart& found : inspect_model(spec).encoders) {
    Weights weights = Weights(open_checkpoint(found.file).tensors).under(found.prefix);
    if (found.omits_text_model) weights = weights.without("text_model.");
    parts.push_back({found.section, weights, found.config});
  }
  return {parts, tokenizer()};
}

std::optional<int> clip_skip_of(const json::value& job) {
  const auto* skip = job.at("model").as_object().if_contains("clip_skip");
  return skip == nullptr ? std::nullopt : std::optional(json::value_to<int>(*skip));
}

Tokens tokenize(const TextEncoder& encoder, const json::object& cond) {
  const auto text = [&](const char* key) { return std::string(cond.at(key).as_string()); };
  if (cond.contains("text")) return encoder.tokenize(text("text"));
  return encoder.tokenize(TextSections{{{"g", text("text_g")}, {"l", text("text_l")}}});
}

void expect_chunk(const TokenChunk& got, const json::array& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].id, want[i].at(0).as_int64()) << "token " << i;
    EXPECT_NEAR(got[i].weight, want[i].at(1).to_number<double>(), 1e-6) << "token " << i;
  }
}

void expect_tokens(const Tokens& got, const json::object& want) {
  ASSERT_EQ(got.sections.size(), want.size());
  for (const auto& [section, chunks] : want) {
    SCOPED_TRACE(std::string(section));
    const auto& have = got.sections.at(std::string(section));
    ASSERT_EQ(have.size(), chunks.as_array().size());
    for (std::size_t i = 0; i < have.size(); ++i)
      expect_chunk(have[i], chunks.at(i).as_array());
  }
}

class GoldenText : public testing::TestWithParam<std::string> {};

TEST_P(GoldenText, GivesComfyuisTokensAndEncodings) {
  if (GetParam().empty()) GTEST_SKIP() << "there is no golden tree";
  const GoldenCase golden = read_golden_case("text", GetParam());
  const TextEncoder encoder = load_encoder(golden.model);
  for (const char* list : {"positive", "negative"}) {
    if (!golden.job.as_object().contains(list)) continue;
    const auto& conds = golden.job.at(list).as_array();
    for (std::size_t i = 0; i < conds.size(); ++i) {
      const std::string key = std::string(list) + "." + std::to_string(i);
      SCOPED_TRACE(key);
      const Tokens tokens = tokenize(encoder, conds[i].as_object());
      if (golden.expected_json.is_object()) {
        expect_tokens(tokens, golden.expected_json.at("tokens").at(list).at(i).as_object());
      }
      const EncodedText encoded = encoder.encode(tokens, clip_skip_of(golden.job));
      EXPECT_LE(golden_difference(encoded.cond, golden.expected.at(key + ".cond")), 1e-4);
      ASSERT_TRUE(encoded.pooled.has_value());
      EXPECT_LE(golden_difference(*encoded.pooled, golden.expected.at(key + ".pooled")), 1e-4);
    }
  }
}

// A LoRA on the text encoder changes weights, which is not this library's part.
INSTANTIATE_TEST_SUITE_P(Cases, GoldenText, testing::ValuesIn(golden_names("text", {"lora"})),
                         [](const auto& one) { return one.param.empty() ? "absent" : one.param; });

}  // namespace
}  // namespace tandem::models

#include "models/text/text_encoder.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/text/tiny_clip.hpp"

namespace tandem::models {
namespace {

std::shared_ptr<const BpeTokenizer> tokenizer() {
  static const auto kTokenizer =
      std::make_shared<const BpeTokenizer>(read_bpe_vocabulary(shipped_bpe_vocabulary()));
  return kTokenizer;
}

TextEncoder make_encoder(const std::vector<std::string>& sections) {
  std::vector<TextEncoderPart> parts;
  for (const std::string& section : sections) {
    const auto layout = section == "l" ? ClipLayout::kTransformers : ClipLayout::kOpenClip;
    parts.push_back({section, Weights(tiny_clip_tensors(layout)), tiny_clip_config(layout)});
  }
  return {parts, tokenizer()};
}

template <class Call>
void expect_error(ErrorCode code, Call call) {
  try {
    call();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
  }
}

const std::string kLongText = [] {
  std::string text;
  for (int i = 0; i < 80; ++i)
    text += "cat ";
  return text;
}();

TEST(TextEncoder, KnowsFamiliesByTheirSections) {
  EXPECT_EQ(make_encoder({"l"}).sections(), (std::vector<std::string>{"l"}));
  EXPECT_EQ(make_encoder({"g", "l"}).sections(), (std::vector<std::string>{"l", "g"}));
  EXPECT_EQ(make_encoder({"g"}).sections(), (std::vector<std::string>{"g"}));
  expect_error(ErrorCode::kUnsupported, [] { make_encoder({"l", "h"}); });
  expect_error(ErrorCode::kUnsupported, [] { make_encoder({}); });
}

TEST(TextEncoder, PadsAsTheSectionDoes) {
  const Tokens tokens = make_encoder({"l", "g"}).tokenize("cat");
  EXPECT_EQ(tokens.sections.at("l").front().back().id, 49407);
  EXPECT_EQ(tokens.sections.at("g").front().back().id, 0);
}

TEST(TextEncoder, FillsTheShorterSectionWithEmptyChunks) {
  const TextEncoder encoder = make_encoder({"l", "g"});
  const Tokens tokens = encoder.tokenize(TextSections{{{"g", kLongText}, {"l", "cat"}}});
  ASSERT_EQ(tokens.sections.at("l").size(), 2U);
  EXPECT_EQ(tokens.sections.at("l")[1], encoder.tokenize("").sections.at("l").front());
}

TEST(TextEncoder, JoinsSectionsAlongTheWidth) {
  const TextEncoder encoder = make_encoder({"l", "g"});
  const EncodedText out = encoder.encode(encoder.tokenize("cat"), std::nullopt);
  EXPECT_EQ(out.cond.sizes(), (std::vector<std::int64_t>{1, 77, 16}));
  EXPECT_EQ(out.pooled->sizes(), (std::vector<std::int64_t>{1, 8}));
}

TEST(TextEncoder, CutsToTheShortestSection) {
  const TextEncoder encoder = make_encoder({"l", "g"});
  Tokens tokens = encoder.tokenize(kLongText);
  tokens.sections.at("l").pop_back();
  EXPECT_EQ(encoder.encode(tokens, std::nullopt).cond.size(1), 77);
}

TEST(TextEncoder, PutsChunksOneAfterTheOther) {
  const TextEncoder encoder = make_encoder({"l"});
  const Tokens tokens = encoder.tokenize(kLongText);
  const at::Tensor both = encoder.encode(tokens, std::nullopt).cond;
  ASSERT_EQ(both.size(1), 2 * 77);
  const Tokens second{{{"l", {tokens.sections.at("l")[1]}}}};
  EXPECT_TRUE(
      at::allclose(both.narrow(1, 77, 77), encoder.encode(second, std::nullopt).cond, 1e-5, 1e-5));
}

TEST(TextEncoder, WeighsBetweenTheTextAndTheEmptyText) {
  const TextEncoder encoder = make_encoder({"l"});
  const auto cond = [&](const char* text) {
    return encoder.encode(encoder.tokenize(text), std::nullopt).cond.select(1, 1);
  };
  const at::Tensor empty = cond("");
  EXPECT_TRUE(at::allclose(cond("(cat:1.5)"), empty + 1.5 * (cond("cat") - empty), 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(cond("(cat:0)"), empty, 1e-5, 1e-5));
}

TEST(TextEncoder, TakesGivenTokens) {
  const TextEncoder encoder = make_encoder({"l"});
  const Tokens tokens = encoder.tokenize("a (red:1.5) cat");
  at::Tensor ids = at::zeros({1, 77}, at::kLong);
  at::Tensor weights = at::ones({1, 77});
  for (int i = 0; i < 77; ++i) {
    ids[0][i] = tokens.sections.at("l")[0][static_cast<std::size_t>(i)].id;
    weights[0][i] = tokens.sections.at("l")[0][static_cast<std::size_t>(i)].weight;
  }
  EXPECT_EQ(encoder.tokenize(ids, weights), tokens);
  EXPECT_EQ(encoder.tokenize(ids.to(at::kInt), weights), tokens);
}

TEST(TextEncoder, RefusesGivenTokensOfAnotherShape) {
  const TextEncoder encoder = make_encoder({"l"});
  const auto call = [&](std::vector<std::int64_t> ids, std::vector<std::int64_t> weights) {
    return [&encoder, ids, weights] {
      encoder.tokenize(at::zeros(ids, at::kLong), at::ones(weights));
    };
  };
  expect_error(ErrorCode::kBadShape, call({77}, {77}));
  expect_error(ErrorCode::kBadShape, call({1, 76}, {1, 76}));
  expect_error(ErrorCode::kBadShape, call({1, 77}, {2, 77}));
  expect_error(ErrorCode::kBadShape, call({0, 77}, {0, 77}));
  expect_error(ErrorCode::kBadShape, [&] {
    encoder.tokenize(at::zeros({1, 77}), at::ones({1, 77}));
  });
}

TEST(TextEncoder, RefusesWrongSections) {
  const TextEncoder encoder = make_encoder({"l"});
  expect_error(ErrorCode::kBadRequest, [&] { encoder.tokenize(TextSections{{{"g", "a"}}}); });
  expect_error(ErrorCode::kBadRequest, [&] {
    encoder.tokenize(TextSections{{{"g", "a"}, {"l", "a"}}});
  });
  expect_error(ErrorCode::kBadRequest, [&] { encoder.encode({}, std::nullopt); });
  expect_error(ErrorCode::kBadRequest, [&] { encoder.encode({{{"l", {}}}}, std::nullopt); });
}

TEST(TextEncoder, RefusesAClipSkipThatIsNone) {
  const TextEncoder encoder = make_encoder({"l"});
  expect_error(ErrorCode::kOutOfRange, [&] { encoder.encode(encoder.tokenize("a"), 0); });
}

TEST(TextEncoder, TakesTheLastLayerBeyondTheFirst) {
  const TextEncoder encoder = make_encoder({"l"});
  const Tokens tokens = encoder.tokenize("a cat");
  EXPECT_TRUE(encoder.encode(tokens, -24).cond.equal(encoder.encode(tokens, -1).cond));
  EXPECT_FALSE(encoder.encode(tokens, -2).cond.equal(encoder.encode(tokens, -1).cond));
}

TEST(TextEncoder, GivesNoPooledWithoutTheProjectionItNeeds) {
  TensorMap tensors = tiny_clip_tensors(ClipLayout::kOpenClip);
  tensors.erase("text_projection");
  const TextEncoder encoder({{"h", Weights(tensors), tiny_clip_config(ClipLayout::kOpenClip)}},
                            tokenizer());
  EXPECT_FALSE(encoder.encode(encoder.tokenize("a"), std::nullopt).pooled.has_value());
}

TEST(TextEncoder, VectorsOfTokensOwnEmbeddingsAreThoseTokens) {
  const TextEncoder encoder = make_encoder({"l"});
  const TensorMap tensors = tiny_clip_tensors(ClipLayout::kTransformers);
  const at::Tensor rows = tensors.at("text_model.embeddings.token_embedding.weight");
  const Tokens plain = encoder.tokenize("red cat");
  const auto id = [&](std::size_t i) { return plain.sections.at("l").front()[i].id; };
  Embeddings embeddings;
  embeddings.add("style", {{"emb_params", at::stack({rows[id(1)], rows[id(2)]})}}, {"l"});
  const Tokens spliced = encoder.tokenize(TextSections{{{"l", "embedding:style"}}}, &embeddings);
  EXPECT_EQ(spliced.sections.at("l").front()[2].id, -2);
  const EncodedText got = encoder.encode(spliced, {}, embeddings);
  const EncodedText expected = encoder.encode(plain, {});
  EXPECT_TRUE(at::equal(got.cond, expected.cond));
  EXPECT_TRUE(at::equal(*got.pooled, *expected.pooled));
  expect_error(ErrorCode::kOutOfRange, [&] { encoder.encode(spliced, {}); });
}

TEST(TextEncoder, VectorsOfAnotherWidthAreLeftOut) {
  const TextEncoder encoder = make_encoder({"l"});
  Embeddings embeddings;
  embeddings.add("wide", {{"clip_l", at::ones({2, 9})}}, {"l"});
  const Tokens tokens =
      encoder.tokenize(TextSections{{{"l", "embedding:wide red cat"}}}, &embeddings);
  EXPECT_TRUE(at::equal(encoder.encode(tokens, {}, embeddings).cond,
                        encoder.encode(encoder.tokenize("red cat"), {}).cond));
}

TEST(Embeddings, EncodersTakeTheirOwnTensor) {
  Embeddings embeddings;
  embeddings.add("style", {{"clip_g", at::ones({1, 4})}, {"clip_l", at::zeros({2, 3})}},
                 {"l", "g"});
  EXPECT_EQ(embeddings.ids("l").at("style"), (std::vector<std::int64_t>{-1, -2}));
  EXPECT_EQ(embeddings.ids("g").at("style"), std::vector<std::int64_t>{-1});
  EXPECT_EQ(embeddings.vectors("g").front().size(0), 4);
  EXPECT_TRUE(embeddings.ids("h").empty());
  expect_error(ErrorCode::kBadShape, [&] {
    embeddings.add("bad", {{"x", at::ones({1, 1, 4})}}, {"l"});
  });
}

}  // namespace
}  // namespace tandem::models

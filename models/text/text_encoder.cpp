#include "models/text/text_encoder.hpp"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr ClipLayer kLast = {std::nullopt, true};
constexpr ClipLayer kPenultimate = {-2, false};
constexpr ClipLayer kPenultimateNormalised = {-2, true};

// The list of families: their encoders in the order in which the encodings are joined.
const std::vector<std::vector<EncoderRole>>& families() {
  static const std::vector<std::vector<EncoderRole>> kFamilies = {
      // section, pads with end, layer, projects pooled
      {{"l", true, kLast, false}},                                          // SD1
      {{"h", false, kPenultimateNormalised, true}},                         // SD2
      {{"l", true, kPenultimate, true}, {"g", false, kPenultimate, true}},  // SDXL
      {{"g", false, kPenultimate, true}},                                   // SDXL's refiner
  };
  return kFamilies;
}

const TextEncoderPart* find_part(const std::vector<TextEncoderPart>& parts,
                                 const std::string& section) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const TextEncoderPart& part) {
    return part.section == section;
  });
  return found != parts.end() ? &*found : nullptr;
}

const std::vector<EncoderRole>& roles_of(const std::vector<TextEncoderPart>& parts) {
  for (const auto& roles : families()) {
    const bool all = std::all_of(roles.begin(), roles.end(), [&](const EncoderRole& role) {
      return find_part(parts, role.section) != nullptr;
    });
    if (all && roles.size() == parts.size()) return roles;
  }
  std::string sections;
  for (const TextEncoderPart& part : parts)
    sections += " " + part.section;
  throw Error(
      ErrorCode::kUnsupported,
      "Text encoders must be l, h, g, or l and g together, but these are:" + sections + ".");
}

// Makes room for what a family's other section has more.
void fill_with_empty(std::vector<TokenChunk>& chunks, std::size_t count, const TokenChunk& empty) {
  if (chunks.size() < count) chunks.resize(count, empty);
}

void check_chunks(const std::vector<TokenChunk>& chunks, const std::string& section) {
  const auto whole = [](const TokenChunk& chunk) { return chunk.size() == kChunkLength; };
  if (!chunks.empty() && std::all_of(chunks.begin(), chunks.end(), whole)) return;
  throw Error(ErrorCode::kBadRequest,
              "The tokens of section " + section + " must be at least one chunk of 77 each.");
}

// (chunks, 77) of a part of every token.
template <class T, class Member>
at::Tensor gather(const std::vector<TokenChunk>& chunks, Member member) {
  std::vector<T> values;
  for (const TokenChunk& chunk : chunks) {
    for (const WeightedToken& token : chunk)
      values.push_back(static_cast<T>(token.*member));
  }
  return at::tensor(values).view({-1, static_cast<std::int64_t>(kChunkLength)});
}

// Takes out the vectors that are of another width than the encoder's.
void drop_unfit(TokenChunk& chunk, const std::vector<at::Tensor>& vectors, std::int64_t width,
                std::int64_t pad_id) {
  std::erase_if(chunk, [&](const WeightedToken& token) {
    const auto vector = static_cast<std::size_t>(-1 - token.id);
    return token.id < 0 && vector < vectors.size() && vectors[vector].size(0) != width;
  });
  chunk.resize(kChunkLength, {pad_id, 1.0});
}

void check_given(const at::Tensor& ids, const at::Tensor& weights) {
  const auto length = static_cast<std::int64_t>(kChunkLength);
  if (ids.dim() != 2 || ids.size(0) < 1 || ids.size(1) != length ||
      weights.sizes() != ids.sizes()) {
    throw Error(
        ErrorCode::kBadShape,
        "Given token ids and weights must both have the shape (chunks, 77), but they have " +
            c10::str(ids.sizes()) + " and " + c10::str(weights.sizes()) + ".");
  }
  if (!at::isIntegralType(ids.scalar_type(), false) || !at::isFloatingType(weights.scalar_type())) {
    throw Error(ErrorCode::kBadShape,
                "Given token ids must be whole numbers and their weights real ones.");
  }
}

void check_clip_skip(std::optional<int> clip_skip) {
  if (!clip_skip || *clip_skip < 0) return;
  throw Error(ErrorCode::kOutOfRange,
              "clip_skip must be -1 or less, but it is " + std::to_string(*clip_skip) + ".",
              "-1 is the last layer, -2 the one before it.");
}

// Along the width, cut to the part with the fewest tokens.
at::Tensor join(const std::vector<EncodedText>& parts) {
  std::int64_t shortest = parts.front().cond.size(1);
  for (const EncodedText& part : parts)
    shortest = std::min(shortest, part.cond.size(1));
  std::vector<at::Tensor> conds;
  for (const EncodedText& part : parts)
    conds.push_back(part.cond.narrow(1, 0, shortest));
  return at::cat(conds, -1);
}

}  // namespace

TextEncoder::TextEncoder(const std::vector<TextEncoderPart>& parts,
                         std::shared_ptr<const BpeTokenizer> tokenizer)
    : tokenizer_(std::move(tokenizer)) {
  for (const EncoderRole& role : roles_of(parts)) {
    const TextEncoderPart& part = *find_part(parts, role.section);
    encoders_.push_back({role, ClipTextModel(part.weights, part.config)});
  }
}

std::vector<std::string> TextEncoder::sections() const {
  std::vector<std::string> names;
  for (const Encoder& encoder : encoders_)
    names.emplace_back(encoder.role.section);
  return names;
}

std::int64_t TextEncoder::pad_id(const EncoderRole& role) const {
  return role.pads_with_end ? tokenizer_->end_id() : 0;
}

Tokens TextEncoder::tokenize(const std::string& text) const {
  TextSections texts;
  for (const std::string& section : sections())
    texts.text[section] = text;
  return tokenize(texts);
}

Tokens TextEncoder::tokenize(const TextSections& texts, const Embeddings* embeddings) const {
  Tokens tokens;
  std::size_t count = 0;
  for (const Encoder& encoder : encoders_) {
    const auto text = texts.text.find(encoder.role.section);
    if (text == texts.text.end() || texts.text.size() != encoders_.size()) {
      throw Error(ErrorCode::kBadRequest,
                  "The texts must be one for each text encoder of the model: " +
                      c10::Join(", ", sections()) + ".");
    }
    auto& chunks = tokens.sections[text->first];
    const EmbeddingIds* known = embeddings != nullptr ? &embeddings->ids(text->first) : nullptr;
    chunks = tokenize_prompt(*tokenizer_, text->second, pad_id(encoder.role), known);
    count = std::max(count, chunks.size());
  }
  for (const Encoder& encoder : encoders_) {
    const TokenChunk empty = tokenize_prompt(*tokenizer_, "", pad_id(encoder.role)).front();
    fill_with_empty(tokens.sections[encoder.role.section], count, empty);
  }
  return tokens;
}

Tokens TextEncoder::tokenize(const at::Tensor& ids, const at::Tensor& weights) const {
  check_given(ids, weights);
  const at::Tensor whole = ids.to(at::kLong).contiguous();
  const at::Tensor real = weights.to(at::kDouble).contiguous();
  std::vector<TokenChunk> chunks(static_cast<std::size_t>(ids.size(0)));
  const auto* id = whole.const_data_ptr<std::int64_t>();
  const auto* weight = real.const_data_ptr<double>();
  for (TokenChunk& chunk : chunks) {
    for (std::size_t i = 0; i < kChunkLength; ++i)
      chunk.push_back({*id++, *weight++});
  }
  Tokens tokens;
  for (const std::string& section : sections())
    tokens.sections[section] = chunks;
  return tokens;
}

EncodedText TextEncoder::encode_section(const Encoder& encoder,
                                        const std::vector<TokenChunk>& chunks,
                                        const ClipLayer& layer,
                                        const std::vector<at::Tensor>& vectors) const {
  const at::Tensor weights = gather<float>(chunks, &WeightedToken::weight);
  const bool weighted = (weights != 1.0).any().item<bool>();
  std::vector<TokenChunk> to_encode = chunks;
  for (TokenChunk& chunk : to_encode)
    drop_unfit(chunk, vectors, encoder.model.width(), pad_id(encoder.role));
  if (weighted) to_encode.push_back(tokenize_prompt(*tokenizer_, "", pad_id(encoder.role)).front());

  const ClipOutput out =
      encoder.model(gather<std::int64_t>(to_encode, &WeightedToken::id), layer, vectors);
  at::Tensor hidden = out.hidden.to(at::kFloat).narrow(0, 0, weights.size(0));
  if (weighted) {
    const at::Tensor empty = out.hidden.to(at::kFloat).slice(0, -1);
    const at::Tensor w = weights.unsqueeze(-1).to(hidden.device());
    // A token of weight 1 keeps its bits: e + (z - e) would round.
    hidden = at::where(w == 1.0, hidden, (hidden - empty) * w + empty);
  }
  const at::Tensor pooled = out.pooled.narrow(0, 0, 1);
  auto projected = encoder.role.projects_pooled ? encoder.model.project(pooled) : pooled;
  if (projected) projected = projected->to(at::kFloat);
  return {hidden.reshape({1, -1, hidden.size(-1)}), std::move(projected)};
}

EncodedText TextEncoder::encode(const Tokens& tokens, std::optional<int> clip_skip,
                                const Embeddings& embeddings) const {
  check_clip_skip(clip_skip);
  std::vector<EncodedText> parts;
  for (const Encoder& encoder : encoders_) {
    const auto chunks = tokens.sections.find(encoder.role.section);
    if (chunks == tokens.sections.end() || tokens.sections.size() != encoders_.size()) {
      throw Error(ErrorCode::kBadRequest, "The tokens must have the sections of the model: " +
                                              c10::Join(", ", sections()) + ".");
    }
    check_chunks(chunks->second, chunks->first);
    ClipLayer layer = encoder.role.layer;
    if (clip_skip) layer.from_end = clip_skip;
    parts.push_back(
        encode_section(encoder, chunks->second, layer, embeddings.vectors(encoder.role.section)));
  }
  return {join(parts), std::move(parts.back().pooled)};
}

}  // namespace tandem::models

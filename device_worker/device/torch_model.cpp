#include "device_worker/device/torch_model.hpp"

#include <ATen/ATen.h>

namespace tandem::worker {
namespace {

class TorchCond : public ModelCond {
 public:
  explicit TorchCond(models::PreparedCond prepared) : cond(std::move(prepared)) {}
  models::PreparedCond cond;
};

models::Tokens tokenize(const models::TextEncoder& encoder, const TextInput& input,
                        const models::Embeddings& embeddings) {
  if (input.token_ids.defined()) return encoder.tokenize(input.token_ids, input.token_weights);
  models::TextSections sections;
  for (const TextSection& section : input.sections)
    sections.text[section.name] = section.text;
  return encoder.tokenize(sections, input.embeddings ? &embeddings : nullptr);
}

models::Embeddings read_embeddings(models::Model& model, const TextInput& input) {
  std::vector<std::pair<std::string, FileStamp>> files;
  if (!input.embeddings) return {};
  for (const EmbeddingFile& embedding : *input.embeddings)
    files.emplace_back(embedding.name, embedding.file);
  return model.read_embeddings(files);
}

TokenSection to_section(const std::string& name, const std::vector<models::TokenChunk>& chunks) {
  TokenSection section{name, {}};
  for (const models::TokenChunk& chunk : chunks) {
    auto& tokens = section.chunks.emplace_back();
    for (const auto& token : chunk)
      tokens.push_back({token.id, token.weight});
  }
  return section;
}

}  // namespace

TextOutput TorchModel::encode_text(const TextInput& input) {
  const models::Embeddings embeddings = read_embeddings(*model_, input);
  const models::Tokens tokens = tokenize(model_->text_encoder(), input, embeddings);
  TextOutput output;
  for (const auto& [name, chunks] : tokens.sections) {
    output.tokens.push_back(to_section(name, chunks));
  }
  if (!input.want_cond) return output;
  models::EncodedText encoded =
      model_->encode_text(tokens, input.clip_skip, input.patches, embeddings);
  output.cond = std::move(encoded.cond);
  if (encoded.pooled) output.pooled = std::move(*encoded.pooled);
  return output;
}

std::unique_ptr<ModelCond> TorchModel::prepare(const CondInput& cond) {
  models::CondInputs inputs;
  inputs.context = cond.context;
  inputs.pooled = cond.pooled;
  inputs.sizes = cond.sizes;
  inputs.concat = cond.concat;
  inputs.y = cond.y;
  return std::make_unique<TorchCond>(model_->prepare_cond(inputs));
}

at::Tensor TorchModel::denoise(const at::Tensor& x, const NoiseLevels& sigma,
                               std::span<const ModelCond* const> conds,
                               const SigmaParameters& sigmas, const LatentRegion& region,
                               const PatchSet& patches, const MotionUse& motion) {
  std::vector<const models::PreparedCond*> prepared;
  for (const ModelCond* cond : conds)
    prepared.push_back(&static_cast<const TorchCond*>(cond)->cond);
  return model_->denoise(x, sigma, prepared, sigmas, region, patches, motion);
}

at::Tensor TorchModel::forward(const at::Tensor& x, const at::Tensor& timestep,
                               const at::Tensor& context, const at::Tensor& y,
                               const PatchSet& patches, const MotionUse& motion) {
  return model_->forward(x, timestep, context, y, patches, motion);
}

}  // namespace tandem::worker

#include "models/text/embeddings.hpp"

#include <string_view>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// SD2's tokenizer looks for CLIP-L's key too.
std::string_view key_of(std::string_view section) {
  return section == "g" ? "clip_g" : "clip_l";
}

// What LoRA files bundle, one after the other; undefined where there is none.
at::Tensor bundled(const TensorMap& file, std::string_view ending) {
  std::vector<at::Tensor> parts;
  for (const auto& [name, tensor] : file) {
    if (name.starts_with("bundle_emb.") && name.ends_with(ending)) parts.push_back(tensor);
  }
  return parts.empty() ? at::Tensor() : at::cat(parts, 0);
}

at::Tensor find_tensor(const TensorMap& file, std::string_view section) {
  const std::string_view key = key_of(section);
  if (const auto own = file.find(key); own != file.end()) return own->second;
  for (const std::string_view ending : {std::string_view(".string_to_param.*"), key}) {
    if (at::Tensor tensor = bundled(file, ending); tensor.defined()) return tensor;
  }
  return file.empty() ? at::Tensor() : file.begin()->second;
}

}  // namespace

void Embeddings::add(const std::string& name, const TensorMap& file,
                     const std::vector<std::string>& sections) {
  for (const std::string& section : sections) {
    const at::Tensor tensor = find_tensor(file, section);
    if (!tensor.defined() || tensor.dim() < 1 || tensor.dim() > 2 || tensor.numel() == 0) {
      throw Error(ErrorCode::kBadShape,
                  "The embedding '" + name + "' should be a tensor (vectors, width)" +
                      (tensor.defined() ? ", it is " + c10::str(tensor.sizes()) : "") + ".");
    }
    Section& own = sections_[section];
    for (const at::Tensor& vector : tensor.reshape({-1, tensor.size(-1)}).unbind(0)) {
      own.vectors.push_back(vector);
      own.ids[name].push_back(-static_cast<std::int64_t>(own.vectors.size()));
    }
  }
}

const Embeddings::Section& Embeddings::of(const std::string& section) const {
  static const Section kNone;
  const auto found = sections_.find(section);
  return found != sections_.end() ? found->second : kNone;
}

const EmbeddingIds& Embeddings::ids(const std::string& section) const {
  return of(section).ids;
}

const std::vector<at::Tensor>& Embeddings::vectors(const std::string& section) const {
  return of(section).vectors;
}

}  // namespace tandem::models

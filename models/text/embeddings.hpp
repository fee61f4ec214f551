// The vectors of textual inversion that a text is encoded with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/text/embedding_words.hpp"

namespace tandem::models {

class Embeddings {
 public:
  // Numbers the vectors that each of the encoders ("l", "g", "h") finds in the file: its own
  // ("clip_l", "clip_g"), or the parts of a LoRA's "bundle_emb.", or the file's first tensor. A
  // width that the encoder lacks is no error here: encoding drops such vectors. Throws kBadShape
  // for a tensor that is neither a vector nor a list of them.
  void add(const std::string& name, const TensorMap& file,
           const std::vector<std::string>& sections);

  // Of one encoder.
  const EmbeddingIds& ids(const std::string& section) const;
  // Id -1 - i stands for vector i: (width), as stored.
  const std::vector<at::Tensor>& vectors(const std::string& section) const;

 private:
  struct Section {
    EmbeddingIds ids;
    std::vector<at::Tensor> vectors;
  };

  const Section& of(const std::string& section) const;

  std::map<std::string, Section> sections_;
};

}  // namespace tandem::models

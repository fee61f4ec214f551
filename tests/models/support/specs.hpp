// Short ways to name a model's files.
#pragma once

#include <string>
#include <vector>

#include "protocol/model_spec.hpp"

namespace tandem::models {

inline ModelSpec spec_of(const std::string& file, const std::string& vae = {},
                         const std::vector<std::string>& text_encoders = {}) {
  ModelSpec spec;
  spec.file = file;
  spec.vae = vae;
  spec.text_encoders = text_encoders;
  return spec;
}

}  // namespace tandem::models

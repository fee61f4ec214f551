// One file of a model's spec while it is inspected.
#pragma once

#include <optional>
#include <string>

#include "models/checkpoint/header_file.hpp"
#include "models/checkpoint/model_config.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// A file's header with what its metadata says of sizes.
struct ModelSource {
  // Throws as HeaderFile and read_model_config do.
  explicit ModelSource(const std::string& path);

  const std::string& path() const { return file.stamp().path; }
  const SafetensorsHeader& header() const { return file.header(); }

  HeaderFile file;
  std::optional<ModelConfig> config;
};

// Throw, naming the file: kBadCheckpoint for sizes that do not fit together; kUnknownFamily for
// what Tandem does not run, of which `name` is something like "a LoRA".
[[noreturn]] void refuse_sizes(const ModelSource& source, const std::string& what);
[[noreturn]] void refuse_family(const ModelSource& source, const std::string& what);
[[noreturn]] void refuse_by_name(const ModelSource& source, const std::string& name);

// kUnknownFamily for a file without what was looked for: by name where it is known what it is.
[[noreturn]] void refuse_without(const ModelSource& source, const std::string& wanted);

}  // namespace tandem::models

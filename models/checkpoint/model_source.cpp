#include "models/checkpoint/model_source.hpp"

#include "models/families/family.hpp"
#include "models/families/unsupported.hpp"
#include "protocol/error.hpp"

namespace tandem::models {

ModelSource::ModelSource(const std::string& path)
    : file(path), config(read_model_config(file.header(), path)) {}

void refuse_sizes(const ModelSource& source, const std::string& what) {
  throw Error(ErrorCode::kBadCheckpoint, "'" + source.path() + "': " + what, {}, source.path());
}

void refuse_family(const ModelSource& source, const std::string& what) {
  throw Error(ErrorCode::kUnknownFamily, "'" + source.path() + "': " + what,
              "This version runs " + family_names() + ".", source.path());
}

void refuse_by_name(const ModelSource& source, const std::string& name) {
  refuse_family(source, "This is " + name + ", which Tandem does not run yet.");
}

void refuse_without(const ModelSource& source, const std::string& wanted) {
  const auto name = name_unsupported_file(source.header());
  refuse_family(
      source, name ? "This is " + *name + ", not " + wanted + " that Tandem runs."
                   : "It holds no " + wanted.substr(wanted.find(' ') + 1) + " that Tandem knows.");
}

}  // namespace tandem::models

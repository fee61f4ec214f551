// Which models jobs have named so far. A model is a ModelSpec over files that have not changed: a
// file that was replaced makes another model.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "coordinator/workers/worker_pool.hpp"
#include "protocol/ids.hpp"
#include "protocol/model_info.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

struct KnownModel {
  ModelId id;
  ModelInfo info;
};

class ModelRegistry {
 public:
  // Opens and checks the files' headers. Throws kMissingFile, kBadCheckpoint, kUnknownFamily. A
  // spec whose files changed gets a new id; `replaced` is then told of the old one.
  KnownModel resolve(const ModelSpec& spec, const std::function<void(ModelId)>& replaced);

  // For a worker's LoadModel. The id must come from resolve().
  ModelFiles files(ModelId id) const;
  // The name under which people know the model: its checkpoint's file name.
  std::string name(ModelId id) const;
  // Those of the name or path, in every choice of types, VAE and text encoders; outdated ones too.
  std::vector<ModelId> named(const std::string& name) const;
  std::vector<ModelId> all() const;
  // Its files were replaced: no new job names it.
  bool is_outdated(ModelId id) const { return models_.at(id).outdated; }

 private:
  struct Entry {
    ModelSpec spec;
    std::vector<FileStamp> stamps;
    ModelInfo info;
    bool outdated = false;  // its files were replaced; jobs that wait may still name it
  };

  std::map<ModelId, Entry> models_;
  std::uint64_t next_ = 1;
};

}  // namespace tandem::coordinator

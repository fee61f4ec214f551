#include "coordinator/service/model_registry.hpp"

#include <algorithm>
#include <filesystem>

#include "models/checkpoint/detect.hpp"

namespace tandem::coordinator {
namespace {

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

KnownModel ModelRegistry::resolve(const ModelSpec& spec,
                                  const std::function<void(ModelId)>& replaced) {
  models::Inspection found = models::inspect_model(spec);
  const auto known = std::ranges::find_if(models_, [&](const auto& entry) {
    return !entry.second.outdated && entry.second.spec == spec;
  });
  if (known != models_.end()) {
    if (known->second.stamps == found.files) return {known->first, known->second.info};
    known->second.outdated = true;
    replaced(known->first);
  }
  const ModelId id{next_++};
  models_.emplace(id, Entry{spec, std::move(found.files), found.info, false});
  return {id, std::move(found.info)};
}

ModelFiles ModelRegistry::files(ModelId id) const {
  const Entry& entry = models_.at(id);
  return {entry.spec, entry.stamps, entry.info.sizes};
}

std::vector<ModelId> ModelRegistry::named(const std::string& name) const {
  std::vector<ModelId> found;
  for (const auto& [id, entry] : models_) {
    if (this->name(id) == name || entry.spec.file == name) found.push_back(id);
  }
  return found;
}

std::vector<ModelId> ModelRegistry::all() const {
  std::vector<ModelId> ids;
  for (const auto& [id, entry] : models_)
    ids.push_back(id);
  return ids;
}

std::string ModelRegistry::name(ModelId id) const {
  const ModelSpec& spec = models_.at(id).spec;
  for (const std::string& path : {spec.file, spec.vae, spec.upscale}) {
    if (!path.empty()) return file_name(path);
  }
  return spec.text_encoders.empty() ? std::string() : file_name(spec.text_encoders.front());
}

}  // namespace tandem::coordinator

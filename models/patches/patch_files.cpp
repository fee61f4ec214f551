#include "models/patches/patch_files.hpp"

#include "models/checkpoint/checkpoint.hpp"
#include "protocol/error.hpp"

namespace tandem::models {

std::shared_ptr<const PatchFile> PatchFiles::open(const FileStamp& stamp) {
  if (auto attached = attached_ ? attached_->find(stamp) : nullptr) return attached;
  if (const auto* known = open_.find(stamp)) return *known;
  Checkpoint checkpoint = open_checkpoint(stamp.path);
  if (!(checkpoint.stamp == stamp)) {
    throw Error(ErrorCode::kBadCheckpoint,
                "'" + stamp.path + "' was changed while the job was waiting.",
                "Submit the job again.", stamp.path);
  }
  auto file = std::make_shared<PatchFile>();
  file->path = stamp.path;
  file->tensors = std::move(checkpoint.tensors);
  for (const auto& [name, tensor] : file->tensors)
    file->names.push_back(name);
  return open_.put(stamp, std::move(file), 1);
}

}  // namespace tandem::models

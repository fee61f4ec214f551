// The files of patches, mapped while they are in use.
#pragma once

#include <memory>
#include <utility>

#include "models/patches/attached_files.hpp"
#include "models/patches/recent_cache.hpp"
#include "protocol/file_stamp.hpp"

namespace tandem::models {

// Keeps the last ones open, since hooks come back to them step by step.
class PatchFiles {
 public:
  // attached: files that are memory, by their stamps; may be null.
  explicit PatchFiles(std::shared_ptr<const AttachedFiles> attached = nullptr)
      : attached_(std::move(attached)) {}

  // Throws kBadCheckpoint where the file is no longer as its stamp says, and as open_checkpoint
  // does.
  std::shared_ptr<const PatchFile> open(const FileStamp& stamp);

 private:
  static constexpr std::uint64_t kOpenFiles = 64;

  std::shared_ptr<const AttachedFiles> attached_;
  RecentCache<FileStamp, std::shared_ptr<const PatchFile>> open_{kOpenFiles};
};

}  // namespace tandem::models

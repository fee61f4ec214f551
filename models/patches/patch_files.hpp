// The files of patches, mapped while they are in use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/checkpoint/checkpoint.hpp"
#include "models/patches/recent_cache.hpp"
#include "protocol/file_stamp.hpp"

namespace tandem::models {

struct PatchFile {
  std::string path;
  TensorMap tensors;               // views of the mapping
  std::vector<std::string> names;  // of the tensors
};

// Keeps the last ones open, since hooks come back to them step by step.
class PatchFiles {
 public:
  // Throws kBadCheckpoint where the file is no longer as its stamp says, and as open_checkpoint
  // does.
  std::shared_ptr<const PatchFile> open(const FileStamp& stamp);

 private:
  static constexpr std::uint64_t kOpenFiles = 64;

  RecentCache<FileStamp, std::shared_ptr<const PatchFile>> open_{kOpenFiles};
};

}  // namespace tandem::models

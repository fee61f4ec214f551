// Files of patches that are memory: what a host sent in place of a file's name.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/checkpoint/weights.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/ids.hpp"

namespace tandem::models {

struct PatchFile {
  std::string path;
  TensorMap tensors;               // views of the mapping
  std::vector<std::string> names;  // of the tensors
};

class AttachedFiles {
 public:
  // The bytes of a safetensors file, which `owner` keeps. Throws kBadCheckpoint for what is none.
  void attach(ConstantId id, const FileStamp& stamp, std::span<const std::byte> bytes,
              std::shared_ptr<const void> owner);
  // Forgets it, where there is such a file; who has it open keeps it.
  void drop(ConstantId id) { files_.erase(id); }

  // nullptr where no attached file has this stamp.
  std::shared_ptr<const PatchFile> find(const FileStamp& stamp) const;

 private:
  std::map<ConstantId, std::pair<FileStamp, std::shared_ptr<const PatchFile>>> files_;
};

}  // namespace tandem::models

// Where the files that jobs name lie: names below model folders, and the bounds of all paths.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/job/job_uses.hpp"

namespace tandem::coordinator {

// Absolute paths by kind ("checkpoints", "loras"), those to look at first before others.
using FoldersByKind = std::map<std::string, std::vector<std::string>>;

// Kinds that jobs' files are looked up in.
std::span<const std::string_view> model_folder_kinds();

class ModelFolders {
 public:
  ModelFolders() = default;
  // Without roots every path is allowed.
  ModelFolders(FoldersByKind folders, const std::vector<std::string>& roots);

  // Makes every file that the job names an absolute path. A name is looked up below the folders of
  // its kind; where roots are set, whatever lies outside of them, all links followed, is refused.
  // Throws with the key's path: kMissingFile for a name that no folder has, kBadRequest for one
  // that is no name, or where no folder of its kind is known, kOutOfRange outside the roots.
  void resolve(job::Job& job) const;

  // Those of embeddings, in their order.
  std::vector<std::string> embeddings() const;
  // The file's path without links where roots are set, else as it is. Throws kOutOfRange outside
  // them, naming `key`.
  std::string within_roots(const std::string& file, const std::string& key) const;

 private:
  std::string place(const job::FileUse& use) const;
  std::string look_up(const job::FileUse& use) const;

  FoldersByKind folders_;
  std::vector<std::string> roots_;  // without links
};

}  // namespace tandem::coordinator

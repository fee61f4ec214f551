// Embeddings by the names that texts give them, below the embeddings folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::coordinator {

// Folders that are looked through for one message.
inline constexpr std::size_t kMaxEmbeddingFolders = 4096;

// For one message: the folders are listed when the first name is looked for.
class EmbeddingFolders {
 public:
  // Absolute paths, in the order in which they are looked through; most: those below them included.
  explicit EmbeddingFolders(std::vector<std::string> folders,
                            std::size_t most = kMaxEmbeddingFolders);

  // The absolute path of the file that ComfyUI's rules lead to, or nullopt: in each folder, and
  // after it in each of those below it by their names, links to folders followed, the file of this
  // name, or of this name with .safetensors, .pt or .bin behind it. A name with ".." that leads out
  // of the folder is not found there. Throws kResourceExhausted past `most` folders.
  std::optional<std::string> find(std::string_view name);

 private:
  using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device and inode

  void list_from(const std::string& root);
  bool add(const std::string& folder);  // false: no folder, or there already

  std::vector<std::string> roots_;  // that are not listed yet
  std::size_t most_;
  std::vector<std::string> folders_;  // all that were listed
  std::set<Identity> listed_;         // so that links make no circle
};

}  // namespace tandem::coordinator

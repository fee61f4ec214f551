#include "coordinator/service/embedding_folders.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <sys/stat.h>

#include "coordinator/service/path_below.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::optional<std::string> find_in(const std::string& folder, std::string_view name) {
  const fs::path file = (fs::path(folder) / name).lexically_normal();
  if (!file.has_filename() || !is_below(file, folder)) return std::nullopt;
  for (const char* const ending : {"", ".safetensors", ".pt", ".bin"}) {
    std::string path = file.string() + ending;
    if (is_file(path)) return path;
  }
  return std::nullopt;
}

// The last by their names first.
std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code unknown;
    if (it->is_directory(unknown)) found.push_back(it->path().string());
  }
  std::ranges::sort(found, std::greater());
  return found;
}

// Without a separator at the end, so that what lies in it can be told by its parts.
std::string plain_path(const std::string& folder) {
  const fs::path path = fs::path(folder).lexically_normal();
  return path.has_filename() || !path.has_relative_path() ? path.string()
                                                          : path.parent_path().string();
}

}  // namespace

EmbeddingFolders::EmbeddingFolders(std::vector<std::string> folders, std::size_t most)
    : roots_(std::move(folders)), most_(most) {}

std::optional<std::string> EmbeddingFolders::find(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return std::nullopt;
  for (const std::string& root : std::exchange(roots_, {}))
    list_from(plain_path(root));
  for (const std::string& folder : folders_) {
    if (auto file = find_in(folder, name)) return file;
  }
  return std::nullopt;
}

void EmbeddingFolders::list_from(const std::string& root) {
  std::vector<std::string> left = {root};
  while (!left.empty()) {
    const std::string folder = std::move(left.back());
    left.pop_back();
    if (!add(folder)) continue;
    for (std::string& below : folders_in(folder))
      left.push_back(std::move(below));
  }
}

bool EmbeddingFolders::add(const std::string& folder) {
  struct ::stat found = {};
  if (::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return false;
  if (!listed_.emplace(found.st_dev, found.st_ino).second) return false;
  if (folders_.size() == most_) {
    throw Error(ErrorCode::kResourceExhausted,
                "There are more than " + std::to_string(most_) +
                    " folders below those of embeddings, too many to look through.",
                "Name narrower folders in the service's configuration.");
  }
  folders_.push_back(folder);
  return true;
}

}  // namespace tandem::coordinator

#include "coordinator/service/model_folders.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "coordinator/service/path_below.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kKinds = {
    "checkpoints",   "diffusion_models", "vae",
    "text_encoders", "upscale_models",   "tokenizers",
    "loras",         "embeddings",       "animatediff_models"};

// Kinds of folders that a file of a kind may lie in.
std::vector<std::string> kinds_of(job::FileKind kind) {
  std::vector<std::string> kinds = {std::string(job::folder_name(kind))};
  if (kind == job::FileKind::kCheckpoint) kinds.emplace_back("diffusion_models");
  if (kind == job::FileKind::kTokenizer) kinds.emplace_back("text_encoders");
  return kinds;
}

}  // namespace

std::span<const std::string_view> model_folder_kinds() {
  return kKinds;
}

ModelFolders::ModelFolders(FoldersByKind folders, const std::vector<std::string>& roots)
    : folders_(std::move(folders)) {
  for (const std::string& root : roots)
    roots_.push_back(fs::canonical(root).string());
}

void ModelFolders::resolve(job::Job& job) const {
  for (const job::FileUse& use : job::files_named(job))
    *use.file = place(use);
}

std::string ModelFolders::place(const job::FileUse& use) const {
  if (use.file->find('\0') != std::string::npos) {
    throw Error(ErrorCode::kBadRequest, use.path + ": a file's name holds no null.", {}, use.path);
  }
  const std::string file = use.file->front() == '/' ? *use.file : look_up(use);
  return within_roots(file, use.path);
}

std::vector<std::string> ModelFolders::embeddings() const {
  const auto folders = folders_.find(std::string(job::folder_name(job::FileKind::kEmbedding)));
  return folders == folders_.end() ? std::vector<std::string>() : folders->second;
}

std::string ModelFolders::look_up(const job::FileUse& use) const {
  const fs::path name(*use.file);
  if (std::ranges::find(name, "..") != name.end()) {
    throw Error(ErrorCode::kBadRequest, use.path + ": a name below a model folder has no \"..\".",
                {}, use.path);
  }
  std::string known;
  for (const std::string& kind : kinds_of(use.kind)) {
    const auto folders = folders_.find(kind);
    if (folders == folders_.end()) continue;
    for (const std::string& folder : folders->second) {
      std::error_code error;
      if (fs::exists(folder / name, error)) return (folder / name).lexically_normal().string();
      known += (known.empty() ? "" : ", ") + folder;
    }
  }
  if (!known.empty()) {
    throw Error(ErrorCode::kMissingFile,
                use.path + ": no " + std::string(job::folder_name(use.kind)) + " folder has '" +
                    *use.file + "'.",
                "It was looked for in " + known + ".", use.path);
  }
  throw Error(ErrorCode::kBadRequest, use.path + ": '" + *use.file + "' is not an absolute path.",
              "The service knows no " + std::string(job::folder_name(use.kind)) +
                  " folder; name the file from / on.",
              use.path);
}

// The path without links: one that is changed after this look leads nowhere else.
std::string ModelFolders::within_roots(const std::string& file, const std::string& key) const {
  if (roots_.empty()) return file;
  std::error_code error;
  const fs::path real = fs::weakly_canonical(file, error);
  const auto holds = [&](const std::string& root) { return is_below(real, root); };
  if (error || std::ranges::none_of(roots_, holds)) {
    throw Error(ErrorCode::kOutOfRange,
                key + ": '" + file + "' lies outside the folders that the service may read.",
                "Its configuration names them under roots.", key);
  }
  return real.string();
}

}  // namespace tandem::coordinator

// What a job names: tensors beside it, and files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/job/job.hpp"

namespace tandem::job {

// A tensor that the job names, and the key that names it: "positive[0].cond".
struct TensorUse {
  TensorName name;
  std::string path;

  bool operator==(const TensorUse&) const = default;
};

// Every use, in the order of the format's keys; a tensor used twice is there twice.
std::vector<TensorUse> tensors_named(const Job& job);

enum class FileKind : std::uint8_t {
  kCheckpoint,
  kVae,
  kTextEncoder,
  kUpscaleModel,
  kTokenizer,
  kLora,
  kEmbedding,
  kMotionModel,
};

// The model folder in which a name of this kind is looked up: "checkpoints", "loras" ...
std::string_view folder_name(FileKind kind);

struct FileUse {
  std::string* file;  // in the job, which outlives it; never empty
  FileKind kind = FileKind::kCheckpoint;
  std::string path;  // of the key: "model.loras[0].file"
};

// Every input file that the job names, to be read or replaced. Outputs are not among them, nor are
// tensors of the message.
std::vector<FileUse> files_named(Job& job);

// In the place of a file's name: the tensors of the message whose names begin with the prefix,
// {"tensors": PREFIX} in the format. No file has such a name.
std::string tensors_in_place_of_file(std::string_view prefix);
// The prefix; nullopt for the name of a file.
std::optional<std::string> tensors_prefix(const std::string& file);
// Every place of the job where tensors stand for a file.
std::vector<FileUse> tensor_sources_named(Job& job);

// Makes every relative input file an absolute one below `folder`, without ".." where names alone
// allow it. Touches no file system.
void resolve_paths(Job& job, std::string_view folder);

}  // namespace tandem::job

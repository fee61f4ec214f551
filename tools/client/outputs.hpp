// Writes what a job made under the names that the job gives (docs/job-format.md, `output`).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/job/job.hpp"
#include "tools/client/job_result.hpp"

namespace tandem::client {

// Where relative names belong: below --out-dir, whose folders are made, or beside the job's file.
struct OutputPlace {
  std::filesystem::path folder;
  bool is_out_dir = false;
};

struct WrittenOutput {
  std::string key;                 // of the job's output: "latent", "image" ...
  std::vector<std::string> files;  // absolute

  bool operator==(const WrittenOutput&) const = default;
};

// The absolute path of an output. An absolute name stands as it is. Throws kOutOfRange for a
// relative one that leaves the folder, kBadRequest for one that names no file; `key` is the job's.
std::filesystem::path output_path(std::string_view key, const std::string& name,
                                  const OutputPlace& place);

// The names of a batch's pictures: out.png, or out-0.png, out-1.png ... where there are several.
std::vector<std::filesystem::path> picture_paths(const std::filesystem::path& path,
                                                 std::size_t count);

// Checks all names before a job is sent: output_path's rules, two outputs under one name
// (kBadRequest) and an image that is neither .png nor .safetensors (kUnsupported).
void check_outputs(const job::Outputs& outputs, const OutputPlace& place);

// Makes the folders below --out-dir that the outputs need. Throws kMissingFile, naming it, for one
// that can't be made, or is not there where none is to be made: better before the job than after
// it.
void prepare_folders(const job::Outputs& outputs, const OutputPlace& place);

// Writes every output that has a file name, in the format's order, each whole or not at all:
// safetensors with the output's tensors, JSON for tokens and windows, PNG (8 bit, round(255 x)) or
// safetensors for the image. `job` also goes into the pictures. Throws kMissingTensor or kBadShape
// for a result that does not hold what was asked for, and what write_whole_file throws.
std::vector<WrittenOutput> write_outputs(const job::Job& job, const JobResult& result,
                                         const OutputPlace& place);

}  // namespace tandem::client

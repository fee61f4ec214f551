// Golden cases whose results need no model: a job, its tensors, and what ComfyUI gave.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

struct GoldenCase {
  job::Job job;
  ModelInfo model;                            // as far as sampling without the network needs it
  std::map<std::string, at::Tensor> tensors;  // inputs
  std::map<std::string, at::Tensor> expected;
  std::map<std::string, at::Tensor> brownian;  // sigma, sigma_next, noise of each draw; or empty
};

// The checkout's folder.
std::filesystem::path source_root();

// Names of a group's cases; one empty name where the golden tree is not there, so that a
// parametrised test can say so.
std::vector<std::string> golden_names(const std::string& group);

GoldenCase read_golden_case(const std::string& group, const std::string& name);

// The tensors of a safetensors file of float32, float64 and int64; none where there is no file.
std::map<std::string, at::Tensor> read_tensors(const std::filesystem::path& path);

// What gtest may call a case.
std::string test_name(const std::string& case_name);

// Where the tree was looked for, for messages.
std::string golden_places();

}  // namespace tandem::coordinator

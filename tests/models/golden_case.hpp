// Golden cases for tests of the networks: a job as JSON, its tensors, and what ComfyUI gave.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <boost/json.hpp>

#include "models/checkpoint/weights.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::models {

struct GoldenCase {
  boost::json::value job;
  boost::json::value expected_json;  // null where there is none
  TensorMap tensors;                 // inputs
  TensorMap expected;
  ModelSpec model;  // with the paths made absolute
};

// Names of a group's cases but those whose name contains one of `without`, and those whose model
// the tree does not hold; one empty name where there is no golden tree at all, so that a
// parametrised test can say so.
std::vector<std::string> golden_names(const std::string& group,
                                      const std::vector<std::string>& without);

GoldenCase read_golden_case(const std::string& group, const std::string& name);

// The rule of the golden tree's check.py: max|got - expected| / std(expected), the deviation over
// all elements. Infinite where the shapes differ.
double golden_difference(const at::Tensor& got, const at::Tensor& expected);

}  // namespace tandem::models

// Small safetensors files in memory.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "protocol/safetensors.hpp"
#include "tools/client/job_result.hpp"
#include "tools/client/job_tensors.hpp"

namespace tandem::client {

struct TestTensor {
  std::string name;
  TensorLayout layout;
  std::string bytes;
};

inline TestTensor float_tensor(std::string name, std::vector<std::int64_t> shape,
                               const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return {std::move(name), {DType::kF32, std::move(shape)}, std::move(bytes)};
}

inline std::string safetensors_file(const std::vector<TestTensor>& tensors) {
  std::vector<NamedLayout> layouts;
  for (const TestTensor& tensor : tensors)
    layouts.emplace_back(tensor.name, tensor.layout);
  std::string file = build_safetensors_header(layouts).bytes;
  for (const TestTensor& tensor : tensors)
    file += tensor.bytes;
  return file;
}

inline JobTensors sealed(const std::vector<TestTensor>& tensors) {
  const std::string file = safetensors_file(tensors);
  return JobTensors::copy(std::as_bytes(std::span(file)), "test");
}

}  // namespace tandem::client

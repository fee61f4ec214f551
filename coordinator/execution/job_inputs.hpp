// The tensors that a job names, checked and as at::Tensor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/service/job_executor.hpp"

namespace tandem::coordinator {

// A copy, since a host may place tensors at any alignment. `path` is the key of the job that names
// it. Throws kMissingTensor.
at::Tensor load_tensor(const AcceptedJob& job, const std::string& name, const std::string& path);

// The tensor's type and sizes, as the job's file says. Throws kMissingTensor.
const TensorLayout& tensor_layout(const AcceptedJob& job, const std::string& name,
                                  const std::string& path);

// Every tensor that the job names is there and has a shape and type that its place and the model
// take. Throws kMissingTensor, kBadShape, naming the key.
void check_tensors(const AcceptedJob& job);

// The same of one cond, of the job or not.
void check_cond_tensors(const AcceptedJob& job, const job::Cond& cond, const std::string& path);

// Of a tensor of the network's own inputs: real numbers, of this shape; -1: any size from 1. what:
// for the message.
void check_input_tensor(const AcceptedJob& job, const std::string& name, const std::string& path,
                        const std::string& what, const std::vector<std::int64_t>& shape);

}  // namespace tandem::coordinator

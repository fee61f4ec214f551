// Converted weights in sealed shared memory, so that all workers of this machine map one copy.
#pragma once

#include <vector>

#include "ipc/fd.hpp"
#include "models/checkpoint/weight_copies.hpp"

namespace tandem::worker {

// For one load of one part. The tensors that it gives keep their memory mapped, not this object.
class SharedCopies : public models::WeightCopies {
 public:
  // `given`: what another worker made for the same part; empty: the copies are made here.
  explicit SharedCopies(std::vector<ipc::Fd> given = {}) : given_(std::move(given)) {}

  models::TensorMap convert(const models::TensorMap& stored, at::ScalarType type) override;

  // What was made here: sealed when it was whole, opened read-only.
  std::vector<ipc::Fd> take_made() { return std::move(made_); }

 private:
  std::vector<ipc::Fd> given_;
  std::size_t next_ = 0;  // of `given_`
  std::vector<ipc::Fd> made_;
};

}  // namespace tandem::worker

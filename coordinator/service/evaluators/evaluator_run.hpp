// The seam between an evaluator as a host knows it and what computes it, as job_executor.hpp is
// for jobs. No torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "coordinator/dispatch/unit_executor.hpp"
#include "coordinator/service/accepted_job.hpp"
#include "coordinator/service/tensor_file.hpp"
#include "protocol/evaluator/requests.hpp"

namespace tandem::coordinator {

// An evaluator that was accepted.
struct AcceptedEvaluator {
  AcceptedJob job;  // its model, hooks, sampling, context and workers; no conds, no tensors
  std::vector<std::int64_t> shape;  // of x: (batch, channels, height, width)
  std::vector<float> sigmas;        // of the host's run; empty where it did not tell them
};

struct CondsToAdd {
  evaluator::Conds conds;
  std::shared_ptr<const TensorFile> tensors;  // null where the message came with none
  Embeddings
      embeddings;  // of the folders, that the conds' texts name and the evaluator's job lacks
};

// Called by one thread at a time; all functions throw Error, and those of conds wait for units.
class EvaluatorRun {
 public:
  virtual ~EvaluatorRun() = default;

  // What the reply to `prepare` says of the model, and in "warnings" of its files.
  virtual boost::json::object describe() const = 0;

  // Encodes their texts. An id that is there already is kBadRequest; then nothing is added. Returns
  // what there is to warn of, a list of {code, message}.
  virtual boost::json::array add_conds(const CondsToAdd& conds) = 0;
  // kNotFound for an id that is not there; then nothing is dropped.
  virtual void drop_conds(const std::vector<std::string>& ids) = 0;

  // Where the next x goes: float32 of the shape.
  virtual std::span<std::byte> input() = 0;
  // An evaluate in two halves: the units that it needs, and, with their outcomes in the same order,
  // the prediction of each list, float32 of the shape; valid until the next call. Neither waits.
  virtual std::vector<UnitTask> begin(const EvaluateRequest& request) = 0;
  virtual std::vector<std::span<const std::byte>> finish(
      const std::vector<UnitOutcome>& outcomes) = 0;
};

class EvaluatorExecutor {
 public:
  virtual ~EvaluatorExecutor() = default;

  // Throws kUnsupported, kBadRequest, kBadShape, naming the key, for what cannot be done. Called on
  // the io thread: computes nothing.
  virtual void check(const AcceptedEvaluator& evaluator) const = 0;

  // Refers to both. Called on the evaluator's thread.
  virtual std::unique_ptr<EvaluatorRun> open(const AcceptedEvaluator& evaluator,
                                             UnitExecutor& units) = 0;
};

}  // namespace tandem::coordinator

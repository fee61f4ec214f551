// The seam between the service, which keeps hosts, queue and events, and what carries out a job.
// The service knows no torch behind it.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "coordinator/dispatch/unit_executor.hpp"
#include "coordinator/service/accepted_job.hpp"
#include "coordinator/service/evaluators/evaluator_run.hpp"
#include "ipc/fd.hpp"
#include "protocol/host_event.hpp"

namespace tandem::coordinator {

// Where a running job tells what it does. Called on the job's thread.
class JobProgress {
 public:
  virtual ~JobProgress() = default;
  virtual void phase(Phase phase) = 0;  // encoding, sampling, decoding
  virtual void step(StepEvent event) = 0;
  virtual void warning(const std::string& code, const std::string& message) = 0;

  // Whether anyone would look at a preview now.
  virtual bool wants_preview() const { return false; }
  // A sealed memfd with a safetensors file, opened read-only: what the step led to.
  virtual void preview(int /*step*/, ipc::Fd /*tensors*/) {}
};

struct JobResult {
  ipc::Fd tensors;  // sealed memfd with a safetensors file, opened read-only; not valid: no tensors
  std::uint64_t bytes = 0;
  boost::json::object outputs;  // as the reply to `result` gives them
};

class JobExecutor {
 public:
  virtual ~JobExecutor() = default;

  // Throws kUnsupported, naming the key, for what this version cannot run; kBadShape and
  // kMissingTensor for tensors that do not fit. Called on the io thread: looks at headers, computes
  // nothing.
  virtual void check(const AcceptedJob& job) const = 0;

  // Runs the whole job. Called on the job's thread; throws Error.
  virtual JobResult execute(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress) = 0;

  virtual EvaluatorExecutor& evaluators() = 0;

  // The part of the reply to `catalog` that is about sampling and models.
  virtual boost::json::object catalog() const = 0;
};

}  // namespace tandem::coordinator

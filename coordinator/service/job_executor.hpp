// The seam between the service, which keeps hosts, queue and events, and what carries out a job.
// The service knows no torch behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "coordinator/dispatch/part_devices.hpp"
#include "coordinator/dispatch/unit_executor.hpp"
#include "coordinator/service/side_files.hpp"
#include "coordinator/service/tensor_file.hpp"
#include "ipc/fd.hpp"
#include "protocol/host_event.hpp"
#include "protocol/ids.hpp"
#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// A model by itself that a job uses besides its own.
struct NamedModel {
  ModelId model;
  ModelInfo info;
};

// A job that was accepted: everything in it was checked and its files were found.
struct AcceptedJob {
  JobId id;
  job::Job job;
  std::shared_ptr<const TensorFile> tensors;  // null where the job came with none
  ModelId model;
  ModelInfo info;
  SideFiles side_files;
  std::optional<NamedModel> upscale;  // what "model.upscale" names
  std::optional<ModelId> fp32;        // the model in float32, for what is not finite otherwise
  PartDevices devices;
  std::string device_kind;       // of the diffusion model's device
  std::size_t worker_count = 1;  // that it can count on; fixes the groups of batching "auto"
};

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

  // The part of the reply to `catalog` that is about sampling and models.
  virtual boost::json::object catalog() const = 0;
};

}  // namespace tandem::coordinator

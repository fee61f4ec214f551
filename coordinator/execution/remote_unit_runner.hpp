// Sampling's view of the workers: forward passes of conds as units of a job.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/dispatch/unit_executor.hpp"
#include "coordinator/execution/job_motion.hpp"
#include "coordinator/service/job_executor.hpp"
#include "coordinator/units/unit_runner.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// A worker's part in some units.
struct WorkerShare {
  int units = 0;
  double seconds = 0.0;  // that it spent on them
};

class RemoteUnitRunner : public UnitRunner {
 public:
  // Refers to both.
  RemoteUnitRunner(UnitExecutor& units, const AcceptedJob& job, SigmaParameters sigmas)
      : units_(units), job_(job), sigmas_(sigmas), motion_(job.job.motion, sigmas) {}

  std::size_t add_cond(CondTensors cond) override;
  std::vector<at::Tensor> denoise(const std::vector<DenoiseCall>& calls) override;

  // denoise() without waiting: its units, and what their outcomes, in the same order, come to.
  std::vector<UnitTask> tasks_of(const std::vector<DenoiseCall>& calls);
  std::vector<at::Tensor> results_of(const std::vector<DenoiseCall>& calls,
                                     const std::vector<UnitOutcome>& outcomes);

  // Lets go of a cond that no call to come has.
  void drop_cond(std::size_t cond);
  // Noise levels of x's items for the calls to come; empty: the calls' own.
  void set_item_sigmas(std::vector<float> sigmas) { item_sigmas_ = std::move(sigmas); }

  // What each worker computed since it was last asked.
  std::map<std::string, WorkerShare> take_shares();

 private:
  UnitExecutor& units_;
  const AcceptedJob& job_;
  SigmaParameters sigmas_;
  JobMotion motion_;
  std::vector<ConstantId> conds_;
  std::vector<float> item_sigmas_;
  std::map<std::string, WorkerShare> shares_;
};

}  // namespace tandem::coordinator

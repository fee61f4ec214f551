// Sampling's view of the workers: forward passes of conds as units of a job.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coordinator/dispatch/unit_executor.hpp"
#include "coordinator/service/job_executor.hpp"
#include "coordinator/units/unit_runner.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

class RemoteUnitRunner : public UnitRunner {
 public:
  // Refers to both.
  RemoteUnitRunner(UnitExecutor& units, const AcceptedJob& job, SigmaParameters sigmas)
      : units_(units), job_(job), sigmas_(sigmas) {}

  std::size_t add_cond(CondTensors cond) override;
  std::vector<at::Tensor> denoise(const std::vector<DenoiseCall>& calls) override;

  // Units that each worker computed since it was last asked.
  std::map<std::string, int> take_units_per_worker();

 private:
  UnitExecutor& units_;
  const AcceptedJob& job_;
  SigmaParameters sigmas_;
  std::vector<ConstantId> conds_;
  std::map<std::string, int> units_per_worker_;
};

}  // namespace tandem::coordinator

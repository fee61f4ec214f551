// Carries out jobs: text, latent, sampling and decoding as units on the workers, the mathematics
// between them here.
#pragma once

#include "coordinator/execution/evaluator_run.hpp"
#include "coordinator/service/job_executor.hpp"
#include "plugin/loading/plugin_set.hpp"

namespace tandem::coordinator {

class SamplingExecutor : public JobExecutor {
 public:
  // The plug-ins outlive it.
  explicit SamplingExecutor(const PluginSet& plugins);

  void check(const AcceptedJob& job) const override;
  JobResult execute(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress) override;
  EvaluatorExecutor& evaluators() override { return evaluators_; }
  boost::json::object catalog() const override;

 private:
  const PluginSet& plugins_;
  UnitEvaluatorExecutor evaluators_;
};

}  // namespace tandem::coordinator

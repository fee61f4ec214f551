// Computes what a host's evaluator is asked for, with the code that jobs sample with.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/conditioning/hook_strengths.hpp"
#include "coordinator/execution/evaluator_conds.hpp"
#include "coordinator/execution/remote_unit_runner.hpp"
#include "coordinator/service/evaluators/evaluator_run.hpp"
#include "coordinator/units/cond_evaluator.hpp"
#include "models/prediction/prediction.hpp"
#include "plugin/loading/plugin_set.hpp"

namespace tandem::coordinator {

class UnitEvaluatorRun : public EvaluatorRun {
 public:
  // Refers to both.
  UnitEvaluatorRun(const AcceptedEvaluator& evaluator, UnitExecutor& units);

  boost::json::object describe() const override;
  boost::json::array add_conds(const CondsToAdd& conds) override;
  void drop_conds(const std::vector<std::string>& ids) override;
  std::span<std::byte> input() override;
  std::vector<UnitTask> begin(const EvaluateRequest& request) override;
  std::vector<std::span<const std::byte>> finish(const std::vector<UnitOutcome>& outcomes) override;

 private:
  using Lists = std::vector<std::vector<std::string>>;

  // Lists that were asked for before are split as then.
  struct KnownLists {
    Lists lists;
    std::unique_ptr<UnitCondEvaluator> evaluator;
    std::set<std::string> timed_groups;  // whose hooks have keyframes
    bool has_plugin_hooks = false;
  };

  const KnownLists& known_of(const Lists& lists);
  std::vector<PlacedCond> placed_conds(const Lists& lists) const;
  KnownLists make_known(const Lists& lists);
  void note_hooks(const ResolvedCond& cond, KnownLists& known) const;
  void set_strengths(const EvaluateRequest& request, const KnownLists& known);
  void set_sigmas(const EvaluateRequest& request, const KnownLists& known);

  const AcceptedEvaluator& accepted_;
  UnitExecutor& units_;
  SigmaParameters sigmas_;
  models::Prediction prediction_;
  RemoteUnitRunner runner_;
  std::map<std::string, std::vector<PlacedCond>> conds_;
  std::shared_ptr<GivenHookStrengths> strengths_;
  std::vector<KnownLists> known_;  // the last ones, in the order of their use
  at::Tensor x_;
  UnitCondEvaluator* evaluator_ = nullptr;  // of the evaluate that was begun
  CondStep step_;
  std::vector<at::Tensor> predictions_;
};

class UnitEvaluatorExecutor : public EvaluatorExecutor {
 public:
  // The plug-ins outlive it.
  explicit UnitEvaluatorExecutor(const PluginSet& plugins) : plugins_(plugins) {}

  void check(const AcceptedEvaluator& evaluator) const override;
  std::unique_ptr<EvaluatorRun> open(const AcceptedEvaluator& evaluator,
                                     UnitExecutor& units) override;

 private:
  const PluginSet& plugins_;
};

}  // namespace tandem::coordinator

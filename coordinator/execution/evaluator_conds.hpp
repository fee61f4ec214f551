// The conds of an evaluator as sampling uses them: what a job derives from its run, a host gives.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coordinator/conditioning/resolved_cond.hpp"
#include "coordinator/service/evaluators/evaluator_run.hpp"
#include "models/prediction/prediction.hpp"

namespace tandem::coordinator {

// By their ids: one cond, or one for each range of a text that is encoded by a schedule.
using ResolvedConds = std::map<std::string, std::vector<ResolvedCond>>;

// Encodes texts by units. Throws what UnitExecutor::run throws; kMissingTensor, kBadShape,
// kBadRequest, kOutOfRange, kUnsupported for conds that are not the model's or not of this latent,
// naming the key ("conds.c0.mask").
ResolvedConds resolve_conds(const AcceptedEvaluator& evaluator, const CondsToAdd& conds,
                            const models::Prediction& prediction, UnitExecutor& units);

}  // namespace tandem::coordinator

// Evaluators that need no worker.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/service/evaluators/evaluator_run.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {

// Each prediction is x plus sigma; lists that begin with "wait" wait until they are
// cancelled.
class FakeEvaluatorRun : public EvaluatorRun {
 public:
  FakeEvaluatorRun(const std::vector<std::int64_t>& shape, UnitExecutor& units) : units_(units) {
    std::size_t numbers = 1;
    for (const std::int64_t side : shape)
      numbers *= static_cast<std::size_t>(side);
    x_.resize(numbers);
  }

  boost::json::object describe() const override { return {{"latent_channels", 4}}; }
  boost::json::array add_conds(const CondsToAdd& conds) override {
    if (conds.conds.contains("bad")) throw Error(ErrorCode::kBadRequest, "conds.bad: no");
    return {};
  }
  void drop_conds(const std::vector<std::string>& ids) override {
    throw Error(ErrorCode::kNotFound, ids.front());
  }
  std::span<std::byte> input() override { return std::as_writable_bytes(std::span(x_)); }
  std::vector<std::span<const std::byte>> evaluate(const EvaluateRequest& request) override {
    while (request.lists.front() == std::vector<std::string>{"wait"}) {
      units_.check_cancelled();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    for (float& number : x_)
      number += static_cast<float>(request.sigmas.front());
    return {request.lists.size(), std::as_bytes(std::span(x_))};
  }

 private:
  UnitExecutor& units_;
  std::vector<float> x_;
};

class FakeEvaluators : public EvaluatorExecutor {
 public:
  void check(const AcceptedEvaluator& evaluator) const override {
    if (evaluator.shape[1] != 4) throw Error(ErrorCode::kBadShape, "latent.shape: no");
  }
  std::unique_ptr<EvaluatorRun> open(const AcceptedEvaluator& evaluator,
                                     UnitExecutor& units) override {
    return std::make_unique<FakeEvaluatorRun>(evaluator.shape, units);
  }
};

}  // namespace tandem::coordinator

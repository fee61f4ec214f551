// Evaluators that hardly need a worker.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "coordinator/service/evaluators/evaluator_run.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {

// Each prediction is x plus sigma; the list "wait" needs a unit that never ends, on the worker of
// tests/coordinator/workers.
class FakeEvaluatorRun : public EvaluatorRun {
 public:
  explicit FakeEvaluatorRun(const std::vector<std::int64_t>& shape) {
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
  std::vector<UnitTask> begin(const EvaluateRequest& request) override {
    request_ = request;
    if (request.lists.front() == std::vector<std::string>{"throw"})
      throw std::runtime_error("what no code is for");
    if (request.lists.front() != std::vector<std::string>{"wait"}) return {};
    UnitTask task;
    task.unit = DecodeLatent{ModelId{1}, InlineTensor{{DType::kU8, {4}}, "wait"}};
    return {task};
  }
  std::vector<std::span<const std::byte>> finish(const std::vector<UnitOutcome>&) override {
    for (float& number : x_)
      number += static_cast<float>(request_.sigmas.front());
    return {request_.lists.size(), std::as_bytes(std::span(x_))};
  }

 private:
  EvaluateRequest request_;
  std::vector<float> x_;
};

class FakeEvaluators : public EvaluatorExecutor {
 public:
  void check(const AcceptedEvaluator& evaluator) const override {
    if (evaluator.shape[1] != 4) throw Error(ErrorCode::kBadShape, "latent.shape: no");
  }
  std::unique_ptr<EvaluatorRun> open(const AcceptedEvaluator& evaluator, UnitExecutor&) override {
    return std::make_unique<FakeEvaluatorRun>(evaluator.shape);
  }
};

}  // namespace tandem::coordinator

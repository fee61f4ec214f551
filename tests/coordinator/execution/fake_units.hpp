// Workers of a few lines, so that what a job asks of them can be seen.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/service/job_executor.hpp"

namespace tandem::coordinator {

// Answers each unit by a function, in the order of the tasks. A function that throws fails the
// call, as a failed unit does.
class FakeUnits : public UnitExecutor {
 public:
  using Answer = std::function<UnitOutcome(TensorArena&, const UnitTask&)>;
  explicit FakeUnits(Answer answer) : answer_(std::move(answer)) {}

  TensorArena& inputs() override { return arena_; }
  ConstantId add_constant(ConstantData) override { return {}; }
  void drop_constants(std::vector<ConstantId>) override {}
  std::vector<UnitOutcome> run(std::vector<UnitTask> tasks) override {
    std::vector<UnitOutcome> outcomes;
    for (const UnitTask& task : tasks) {
      ++units;
      outcomes.push_back(answer_(arena_, task));
    }
    return outcomes;
  }
  void check_cancelled() override {}

  int units = 0;

 private:
  TensorArena arena_;
  Answer answer_;
};

class NotedProgress : public JobProgress {
 public:
  void phase(Phase) override {}
  void step(StepEvent) override {}
  void warning(const std::string& code, const std::string& message) override {
    codes.push_back(code);
    messages.push_back(message);
  }

  std::vector<std::string> codes, messages;
};

}  // namespace tandem::coordinator

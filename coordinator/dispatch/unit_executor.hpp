// What a job's thread asks of the workers, without torch: bytes go in, units run, bytes come out.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/dispatch/tensor_arena.hpp"
#include "protocol/cond_data.hpp"
#include "protocol/ids.hpp"
#include "protocol/unit.hpp"

namespace tandem::coordinator {

struct UnitTask {
  Unit unit;
  std::vector<ConstantId> constants;  // that the worker must have first
  // What the handles in the unit point to; held until the unit has ended.
  std::vector<std::shared_ptr<ArenaBlock>> inputs;
  std::size_t output_bytes = 0;  // room for the result; 0: it travels in the message
};

struct UnitOutcome {
  UnitResult result;
  std::shared_ptr<ArenaBlock> output;  // where a result in shared memory lies; may be null
  std::string worker;
  double seconds = 0.0;  // of the computation
};

struct ConstantData {
  CondData cond;
  std::vector<std::shared_ptr<ArenaBlock>> inputs;
};

// One job's view of the workers. Functions may be called from the job's thread only; they block.
class UnitExecutor {
 public:
  virtual ~UnitExecutor() = default;

  // Memory that the workers can read.
  virtual TensorArena& inputs() = 0;

  // Keeps the data for the rest of the job; a worker gets it with its first unit that needs it.
  virtual ConstantId add_constant(ConstantData data) = 0;
  // Lets go of data that no unit to come needs.
  virtual void drop_constants(std::vector<ConstantId> constants) = 0;

  // Runs the units on any workers and returns their results in the order of the tasks. Throws
  // kCancelled, or what made the job fail; more may be run after that where the job was not
  // cancelled for good.
  virtual std::vector<UnitOutcome> run(std::vector<UnitTask> tasks) = 0;

  // Throws kCancelled once the job was cancelled.
  virtual void check_cancelled() = 0;
};

}  // namespace tandem::coordinator

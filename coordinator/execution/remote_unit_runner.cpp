#include "coordinator/execution/remote_unit_runner.hpp"

#include <ATen/ATen.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "coordinator/execution/job_patches.hpp"
#include "models/tensor/latent_region.hpp"

namespace tandem::coordinator {
namespace {

std::vector<std::int64_t> result_shape(const DenoiseCall& call) {
  std::vector<std::int64_t> shape = models::cropped_shape(call.x.sizes(), call.region);
  shape.insert(shape.begin(), static_cast<std::int64_t>(call.conds.size()));
  return shape;
}

std::size_t result_bytes(const DenoiseCall& call) {
  return byte_size({DType::kF32, result_shape(call)});
}

// The calls of a step share their x: it is written once.
class SharedInputs {
 public:
  explicit SharedInputs(TensorArena& arena) : arena_(arena) {}

  const SharedTensor& get(const at::Tensor& x) {
    for (const auto& [tensor, shared] : known_) {
      if (tensor.is_same(x)) return shared;
    }
    return known_.emplace_back(x, share(arena_, x)).second;
  }

 private:
  TensorArena& arena_;
  std::vector<std::pair<at::Tensor, SharedTensor>> known_;
};

}  // namespace

std::size_t RemoteUnitRunner::add_cond(CondTensors cond) {
  ConstantData data;
  const auto put = [&](const at::Tensor& tensor) {
    SharedTensor shared = share(units_.inputs(), tensor);
    if (shared.block) data.inputs.push_back(std::move(shared.block));
    return std::move(shared.handle);
  };
  data.cond.context = put(cond.context);
  if (cond.pooled.defined()) data.cond.pooled = put(cond.pooled);
  data.cond.sizes = cond.sizes;
  if (cond.concat.defined()) data.cond.concat = put(cond.concat);
  if (cond.y.defined()) data.cond.y = put(cond.y);
  data.cond.plugin_hooks = std::move(cond.plugin_hooks);
  conds_.push_back(units_.add_constant(std::move(data)));
  return conds_.size() - 1;
}

void RemoteUnitRunner::drop_cond(std::size_t cond) {
  units_.drop_constants({conds_.at(cond)});
}

std::vector<at::Tensor> RemoteUnitRunner::denoise(const std::vector<DenoiseCall>& calls) {
  return results_of(calls, units_.run(tasks_of(calls)));
}

std::vector<UnitTask> RemoteUnitRunner::tasks_of(const std::vector<DenoiseCall>& calls) {
  SharedInputs inputs(units_.inputs());
  std::vector<UnitTask> tasks;
  for (const DenoiseCall& call : calls) {
    const SharedTensor& x = inputs.get(call.x);
    Denoise unit{job_.model,
                 sigmas_,
                 x.handle,
                 call.sigma,
                 {},
                 call.region,
                 model_patches(job_, call.hooks),
                 motion_.at(call.sigma),
                 item_sigmas_};
    for (const std::size_t cond : call.conds)
      unit.conds.push_back(conds_.at(cond));
    UnitTask task;
    task.constants = unit.conds;
    task.unit = std::move(unit);
    if (x.block) task.inputs.push_back(x.block);
    task.output_bytes = result_bytes(call);
    tasks.push_back(std::move(task));
  }
  return tasks;
}

std::vector<at::Tensor> RemoteUnitRunner::results_of(const std::vector<DenoiseCall>& calls,
                                                     const std::vector<UnitOutcome>& outcomes) {
  std::vector<at::Tensor> results;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    WorkerShare& share = shares_[outcomes[i].worker];
    ++share.units;
    share.seconds += outcomes[i].seconds;
    const auto& result = std::get<DenoiseResult>(outcomes[i].result);
    results.push_back(view_result(result.denoised, outcomes[i].output, result_shape(calls[i])));
  }
  return results;
}

std::map<std::string, WorkerShare> RemoteUnitRunner::take_shares() {
  return std::exchange(shares_, {});
}

}  // namespace tandem::coordinator

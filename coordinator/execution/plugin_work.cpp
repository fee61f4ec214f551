#include "coordinator/execution/plugin_work.hpp"

#include <memory>
#include <set>

#include <ATen/ATen.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "coordinator/execution/job_inputs.hpp"
#include "models/tensor/tensor_view.hpp"
#include "plugin/loading/guarded.hpp"
#include "plugin/loading/options.hpp"
#include "plugin/loading/tensors.hpp"
#include "protocol/job/limits.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

// Where a result begins in its unit's slot: aligned as slots are.
constexpr std::size_t kAlignment = 64;

at::Tensor tensor_over(const plugin::TensorView& view) {
  return models::tensor_view(from_plugin(view.layout), view.data, nullptr);
}

plugin::TensorView view_of(const at::Tensor& tensor) {
  return {to_plugin(models::layout_of(tensor)),
          static_cast<const std::byte*>(tensor.const_data_ptr())};
}

std::string tensor_path(std::size_t i) {
  return key_path("plugin.tensors", i);
}

PluginUnit unit_of(const job::PluginWork& job, const plugin::Work& work) {
  PluginUnit unit{job.name, job.kind, work.options.empty() ? job.options : work.options, {}, {}};
  for (const auto& output : work.outputs)
    unit.outputs.push_back({output.name, from_plugin(output.value)});
  return unit;
}

UnitTask task_of(const job::PluginWork& job, const plugin::Work& work, TensorArena& arena) {
  UnitTask task;
  PluginUnit unit = unit_of(job, work);
  for (const auto& input : work.inputs) {
    SharedTensor shared = share(arena, tensor_over(input.value.view()));
    if (shared.block) task.inputs.push_back(std::move(shared.block));
    unit.inputs.push_back({input.name, std::move(shared.handle)});
  }
  for (const PluginOutput& output : unit.outputs)
    task.output_bytes += (byte_size(output.layout) + kAlignment - 1) / kAlignment * kAlignment;
  task.unit = std::move(unit);
  return task;
}

// The results of one unit, as its outputs were announced.
std::vector<at::Tensor> read_results(const UnitOutcome& outcome, const plugin::Work& work) {
  const auto& handles = std::get<PluginUnitResult>(outcome.result).outputs;
  std::vector<at::Tensor> results;
  for (std::size_t i = 0; i < work.outputs.size(); ++i) {
    if (handles.size() != work.outputs.size() ||
        layout_of(handles[i]) != from_plugin(work.outputs[i].value)) {
      throw Error(ErrorCode::kInternal, "A worker's results are not those that a unit asks for.");
    }
    results.push_back(read_result(handles[i], outcome.output.get()));
  }
  return results;
}

plugin::WorkResult views_of(const std::vector<at::Tensor>& results, const plugin::Work& work) {
  plugin::WorkResult views;
  for (std::size_t i = 0; i < results.size(); ++i)
    views.push_back({work.outputs[i].name, view_of(results[i])});
  return views;
}

// at::Tensors that hold what the plug-in gave, without a copy.
std::vector<NamedTensor> take_output(std::vector<plugin::NamedTensor>&& output,
                                     const std::string& plugin) {
  std::vector<NamedTensor> taken;
  std::set<std::string> names;
  for (auto& [name, value] : output) {
    if (name.empty() || name.size() > job::kTensorNameRule.max_bytes || !names.insert(name).second)
      throw_of_plugin(ErrorCode::kInternal, plugin, {}, "an output has a bad name, or one twice");
    const auto owner = std::make_shared<const plugin::Tensor>(std::move(value));
    const plugin::TensorView view = owner->view();
    taken.emplace_back(name, models::tensor_view(from_plugin(view.layout), view.data, owner));
  }
  return taken;
}

class PluginRun {
 public:
  PluginRun(const AcceptedJob& job, const PluginSet& plugins)
      : work_(*job.job.plugin),
        kind_(plugins.unit_kind(work_.name, work_.kind, "plugin")),
        options_(plugin_options(work_.options)) {
    for (std::size_t i = 0; i < work_.tensors.size(); ++i) {
      tensors_.push_back(load_tensor(job, work_.tensors[i], tensor_path(i)));
      request_.tensors.push_back({work_.tensors[i], view_of(tensors_.back())});
    }
  }

  std::vector<NamedTensor> run(UnitExecutor& units) {
    const auto works = guarded(work_.name, "plugin", [&] { return kind_.split(request_); });
    std::vector<UnitTask> tasks;
    tasks.reserve(works.size());
    for (const plugin::Work& work : works)
      tasks.push_back(task_of(work_, work, units.inputs()));
    const std::vector<UnitOutcome> outcomes = units.run(std::move(tasks));
    std::vector<std::vector<at::Tensor>> tensors;
    std::vector<plugin::WorkResult> results;
    for (std::size_t i = 0; i < works.size(); ++i) {
      tensors.push_back(read_results(outcomes.at(i), works[i]));
      results.push_back(views_of(tensors.back(), works[i]));
    }
    return take_output(
        guarded(work_.name, "plugin", [&] { return kind_.merge(request_, results); }), work_.name);
  }

 private:
  const job::PluginWork& work_;
  const plugin::UnitKind& kind_;
  const plugin::Options options_;
  std::vector<at::Tensor> tensors_;
  plugin::Request request_{options_, {}};
};

}  // namespace

void check_plugin_work(const AcceptedJob& job, const PluginSet& plugins) {
  if (!job.job.plugin) return;
  const job::PluginWork& work = *job.job.plugin;
  const plugin::UnitKind& kind = plugins.unit_kind(work.name, work.kind, "plugin");
  const plugin::Options options = plugin_options(work.options);
  plugin::Request request{options, {}};
  for (std::size_t i = 0; i < work.tensors.size(); ++i) {
    const TensorLayout& layout = tensor_layout(job, work.tensors[i], tensor_path(i));
    request.tensors.push_back({work.tensors[i], {to_plugin(layout), nullptr}});
  }
  guarded(work.name, "plugin", [&] { kind.check(request); });
}

std::vector<NamedTensor> run_plugin_work(const AcceptedJob& job, UnitExecutor& units,
                                         const PluginSet& plugins) {
  return PluginRun(job, plugins).run(units);
}

}  // namespace tandem::coordinator

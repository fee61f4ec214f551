// One job from its inputs to its outputs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <boost/json/object.hpp>

#include "coordinator/conditioning/resolved_cond.hpp"
#include "coordinator/execution/prompts.hpp"
#include "coordinator/execution/result_file.hpp"
#include "coordinator/sampling/progress.hpp"
#include "coordinator/service/job_executor.hpp"
#include "plugin/loading/plugin_set.hpp"

namespace tandem::coordinator {

// Which parts of a model, and which inputs, the outputs need.
struct JobNeeds {
  bool text = false;
  bool latent = false;
  bool unet = false;
  bool vae = false;
  bool upscale = false;
  bool samples = false;  // the sampler runs
};

JobNeeds needs_of(const job::Job& job);

class JobRun {
 public:
  JobRun(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress,
         const PluginSet& plugins)
      : job_(job), units_(units), progress_(progress), plugins_(plugins) {}

  JobResult run();

 private:
  void encode_prompts();
  at::Tensor make_latent();
  at::Tensor sample_latent(const at::Tensor& latent);
  void show_preview(const StepReport& report);
  // The latent decoded, or the picture that is only upscaled; upscaled where the job says so.
  at::Tensor make_image(const at::Tensor& latent);
  at::Tensor forward();
  std::vector<RequestedCond> requested(const std::vector<job::Cond>& conds, const std::string& key);
  std::optional<at::Tensor> named(const std::optional<job::TensorName>& name,
                                  const char* path) const;
  // Runs a unit by itself.
  UnitOutcome run_one(UnitTask task);

  void put(const std::string& output, const std::string& name, at::Tensor tensor);
  void put_prompt(const std::string& entry, const std::vector<EncodedPromptResult>& ranges);
  void put_sigmas();
  void put_noise(const at::Tensor& latent);
  void put_windows(const at::Tensor& latent);
  void put_image(const at::Tensor& latent);
  void put_plugin();

  const AcceptedJob& job_;
  UnitExecutor& units_;
  JobProgress& progress_;
  const PluginSet& plugins_;
  EncodedPrompts prompts_;
  std::vector<NamedTensor> tensors_;
  boost::json::object outputs_;
};

}  // namespace tandem::coordinator

#include "coordinator/execution/sampling_executor.hpp"

#include <cmath>

#include <ATen/Parallel.h>
#include <boost/json/array.hpp>

#include "coordinator/execution/job_inputs.hpp"
#include "coordinator/execution/job_motion.hpp"
#include "coordinator/execution/job_run.hpp"
#include "coordinator/execution/plugin_hooks.hpp"
#include "coordinator/execution/plugin_work.hpp"
#include "coordinator/execution/vae_units.hpp"
#include "coordinator/sampling/context/context_schedules.hpp"
#include "coordinator/sampling/guiders/guiders.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/schedulers/schedulers.hpp"
#include "coordinator/sampling/unsupported.hpp"
#include "models/families/family.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

[[noreturn]] void refuse(ErrorCode code, const std::string& path, const std::string& why,
                         const std::string& hint = {}) {
  throw Error(code, path + ": " + why, hint, path);
}

void check_outputs(const job::Outputs& output) {
  const bool any = output.latent.wanted || output.image.wanted || output.cond.wanted ||
                   output.tokens.wanted || output.sigmas.wanted || output.noise.wanted ||
                   output.forward.wanted || output.windows.wanted || output.plugin.wanted;
  if (!any) refuse(ErrorCode::kBadRequest, "output", "the job asks for nothing.");
}

// That the files bring the parts which the outputs need.
void check_parts(const AcceptedJob& accepted) {
  const job::Job& job = accepted.job;
  const JobNeeds needs = needs_of(job);
  const ModelInfo& info = accepted.info;
  if (needs.unet && !info.has_unet) {
    refuse(ErrorCode::kBadRequest, "model.file",
           "sampling needs a checkpoint with a diffusion model.");
  }
  if (needs.vae && !info.has_vae) {
    refuse(ErrorCode::kBadRequest, "model.vae", "the checkpoint brings no VAE.",
           "Name a VAE file under model.vae.");
  }
  if (needs.upscale && !accepted.upscale) {
    refuse(ErrorCode::kBadRequest, "model.upscale", "upscaling needs an upscale model.",
           "Name its file under model.upscale.");
  }
  if (needs.text && info.text_encoders.empty()) {
    refuse(ErrorCode::kBadRequest, "model.text_encoders", "the checkpoint brings no text encoder.",
           "Name its files under model.text_encoders, or give encoded conds.");
  }
}

void check_presence(const job::Job& job) {
  const JobNeeds needs = needs_of(job);
  if (needs.latent && !job.latent) {
    refuse(ErrorCode::kBadRequest, "latent", "expected a latent, since the outputs need one.");
  }
  if (job.output.sigmas.wanted && !job.sampler) {
    refuse(ErrorCode::kBadRequest, "sampler",
           "expected a sampler, since its sigmas are asked for.");
  }
  if (job.output.windows.wanted && (!job.sampler || !job.context)) {
    refuse(ErrorCode::kBadRequest, job.sampler ? "context" : "sampler",
           "expected a sampler and a context, since its windows are asked for.");
  }
  if (job.output.forward.wanted && !job.forward) {
    refuse(ErrorCode::kBadRequest, "forward", "expected the inputs of the forward pass.");
  }
  if (job.output.plugin.wanted && !job.plugin) {
    refuse(ErrorCode::kBadRequest, "plugin", "expected a plug-in's kind and what it works on.");
  }
}

// JSON has no infinity: a limit that is off by default is null.
boost::json::value to_json(const job::OptionValue& value) {
  const auto* number = std::get_if<double>(&value);
  if (number != nullptr && !std::isfinite(*number)) return nullptr;
  return std::visit([](const auto& v) { return boost::json::value(v); }, value);
}

boost::json::object sampler_entry(const SamplerRow& row) {
  boost::json::object options;
  for (const OptionRow& option : row.options)
    options[option.name] = to_json(option.fallback);
  return {{"name", row.name}, {"options", std::move(options)}};
}

}  // namespace

// A step's own arithmetic is small, mostly: threads of the coordinator would only take cores from
// the workers.
SamplingExecutor::SamplingExecutor(const PluginSet& plugins)
    : plugins_(plugins), evaluators_(plugins) {
  at::set_num_threads(1);
}

void SamplingExecutor::check(const AcceptedJob& job) const {
  require_supported(job.job);
  check_outputs(job.job.output);
  check_presence(job.job);
  check_parts(job);
  if (job.job.sampler) validate_sampler(*job.job.sampler);
  validate_guider(job.job);
  check_tensors(job);
  check_motion(job);
  check_tilings(job);
  check_plugin_hooks(job.job, plugins_);
  check_plugin_work(job, plugins_);
}

JobResult SamplingExecutor::execute(const AcceptedJob& job, UnitExecutor& units,
                                    JobProgress& progress) {
  return JobRun(job, units, progress, plugins_).run();
}

boost::json::object SamplingExecutor::catalog() const {
  boost::json::array families;
  for (const models::Family* family : models::families()) {
    families.push_back({{"name", family->name}, {"title", family->display_name}});
  }
  boost::json::array runnable;
  for (const SamplerRow& row : samplers())
    runnable.push_back(sampler_entry(row));
  boost::json::array schedules;
  for (const SchedulerRow& row : schedulers())
    schedules.push_back(row.name.data());
  boost::json::array windows;
  for (const ContextScheduleRow& row : context_schedules())
    windows.push_back(row.name.data());
  boost::json::array guides;
  for (const GuiderRow& row : guiders())
    guides.push_back(row.name.data());
  boost::json::array hook_types = {"weight"};
  for (const std::string_view point : plugins_.filled_points())
    hook_types.emplace_back(point);
  return {{"families", std::move(families)},
          {"samplers", std::move(runnable)},
          {"schedulers", std::move(schedules)},
          {"guiders", std::move(guides)},
          {"context_schedules", std::move(windows)},
          {"hook_types", std::move(hook_types)},
          {"plugins", plugins_.catalog()}};
}

}  // namespace tandem::coordinator

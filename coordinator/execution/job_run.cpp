#include "coordinator/execution/job_run.hpp"

#include <algorithm>
#include <chrono>

#include <ATen/ATen.h>
#include <boost/json/array.hpp>
#include <c10/core/InferenceMode.h>

#include "coordinator/execution/arena_tensors.hpp"
#include "coordinator/execution/arithmetic_threads.hpp"
#include "coordinator/execution/job_inputs.hpp"
#include "coordinator/execution/job_motion.hpp"
#include "coordinator/execution/job_patches.hpp"
#include "coordinator/execution/plugin_work.hpp"
#include "coordinator/execution/preview.hpp"
#include "coordinator/execution/remote_unit_runner.hpp"
#include "coordinator/execution/requested_conds.hpp"
#include "coordinator/execution/side_file_warnings.hpp"
#include "coordinator/execution/upscale_units.hpp"
#include "coordinator/execution/vae_units.hpp"
#include "coordinator/execution/windows_json.hpp"
#include "coordinator/sampling/job_sigmas.hpp"
#include "coordinator/sampling/latent.hpp"
#include "coordinator/sampling/model_sampling.hpp"
#include "coordinator/sampling/noise/job_noise.hpp"
#include "coordinator/sampling/sample.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

using Clock = std::chrono::steady_clock;

bool has_text(const std::vector<job::Cond>& conds) {
  return std::ranges::any_of(conds, [](const job::Cond& cond) {
    return !std::holds_alternative<job::EncodedPrompt>(cond.prompt);
  });
}

// As image formats store it: cut, not rounded, to whole steps of 1/255.
at::Tensor to_uint8(const at::Tensor& image) {
  return (image * 255.0).clamp(0, 255).to(at::kByte);
}

// Speed and time left, from the steps so far. The first one is left out once there are others: it
// waits for the model.
class StepClock {
 public:
  StepEvent event(const StepReport& report, const std::map<std::string, WorkerShare>& shares) {
    const auto now = Clock::now();
    if (report.step == 1) first_end_ = now;
    const bool only_first = report.step == 1;
    const double seconds =
        std::chrono::duration<double>(now - (only_first ? start_ : first_end_)).count();
    StepEvent event;
    event.step = report.step;
    event.total = report.total;
    event.sigma = report.sigma;
    event.seconds_per_step = seconds / (only_first ? 1 : report.step - 1);
    event.seconds_left = event.seconds_per_step * (report.total - report.step);
    for (const auto& [worker, share] : shares) {
      event.units[worker] = share.units;
      event.busy_seconds[worker] = share.seconds;
    }
    return event;
  }

 private:
  Clock::time_point start_ = Clock::now();
  Clock::time_point first_end_;
};

}  // namespace

JobNeeds needs_of(const job::Job& job) {
  JobNeeds needs;
  const job::Outputs& output = job.output;
  needs.upscale = output.image.wanted && job.upscale;
  const bool decodes = output.image.wanted && !(needs.upscale && job.upscale->image);
  needs.latent = output.latent.wanted || decodes || output.noise.wanted || output.windows.wanted;
  needs.samples = job.sampler && (output.latent.wanted || decodes);
  needs.unet = needs.samples || output.forward.wanted;
  const bool texts = has_text(job.positive) || has_text(job.negative) || has_text(job.middle);
  needs.text = texts && (needs.samples || output.cond.wanted || output.tokens.wanted);
  const bool encodes =
      needs.latent && job.latent && std::holds_alternative<job::ImageLatent>(*job.latent);
  needs.vae = decodes || encodes;
  return needs;
}

JobResult JobRun::run() {
  const c10::InferenceMode inference;
  const JobNeeds needs = needs_of(job_.job);
  const job::Outputs& output = job_.job.output;
  warn_of_side_files(job_, progress_);
  if (needs.text) encode_prompts();
  if (output.sigmas.wanted) put_sigmas();
  at::Tensor latent;
  if (needs.latent) latent = make_latent();
  if (output.noise.wanted) put_noise(latent);
  if (output.windows.wanted) put_windows(latent);
  if (needs.samples) latent = sample_latent(latent);
  if (output.latent.wanted) put("latent", "samples", latent);
  if (output.image.wanted) put_image(latent);
  if (output.forward.wanted) put("forward", "out", forward());
  if (output.plugin.wanted) put_plugin();

  JobResult result;
  result.outputs = std::move(outputs_);
  if (tensors_.empty()) return result;
  ResultFile file = make_result_file(tensors_);
  result.tensors = std::move(file.fd);
  result.bytes = file.bytes;
  return result;
}

void JobRun::encode_prompts() {
  const job::Outputs& output = job_.job.output;
  const bool want_cond = output.cond.wanted || output.latent.wanted || output.image.wanted;
  progress_.phase(Phase::kEncoding);
  prompts_ = coordinator::encode_prompts(job_, units_, want_cond);
  if (output.tokens.wanted) outputs_["tokens"] = tokens_json(job_.job, prompts_);
  if (!output.cond.wanted) return;
  outputs_["cond"] = boost::json::array();
  const auto add = [&](const std::vector<job::Cond>& conds, const std::string& list) {
    for (std::size_t i = 0; i < conds.size(); ++i) {
      const auto it = prompts_.find(list + "[" + std::to_string(i) + "]");
      if (it == prompts_.end()) continue;
      const std::string name = list + "." + std::to_string(i);
      put_prompt(name, it->second);
    }
  };
  add(job_.job.positive, "positive");
  add(job_.job.negative, "negative");
  add(job_.job.middle, "middle");
}

// The first range of a scheduled text has the entry's own name.
void JobRun::put_prompt(const std::string& entry, const std::vector<EncodedPromptResult>& ranges) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const std::string name = i == 0 ? entry : entry + ".range" + std::to_string(i);
    put("cond", name + ".cond", ranges[i].cond);
    if (ranges[i].pooled.defined()) put("cond", name + ".pooled", ranges[i].pooled);
  }
}

at::Tensor JobRun::make_latent() {
  const job::Latent& latent = *job_.job.latent;
  if (const auto* empty = std::get_if<job::EmptyLatent>(&latent)) {
    return make_empty_latent(*empty, job_.info.latent);
  }
  if (const auto* given = std::get_if<job::TensorLatent>(&latent)) {
    return fix_latent(load_tensor(job_, given->tensor, "latent.tensor"), job_.info.latent);
  }
  const at::Tensor image =
      load_tensor(job_, std::get<job::ImageLatent>(latent).image, "latent.image").to(at::kFloat);
  progress_.phase(Phase::kEncoding);
  return encode_image(job_, units_, progress_, image);
}

at::Tensor JobRun::sample_latent(const at::Tensor& latent) {
  const job::Job& job = job_.job;
  set_arithmetic_threads(latent);
  SampleRequest request;
  request.model = job_.info;
  request.sampler = *job.sampler;
  request.guider = job.guider;
  request.sampling = job.sampling;
  request.motion = job.motion;
  request.noise = job.noise;
  request.latent = latent;
  request.noise_tensor = named(job.noise.tensor, "noise.tensor");
  request.noise_mask = named(job.noise_mask, "noise_mask");
  request.sigmas = named(job.sampler->sigmas, "sampler.sigmas");
  request.context = job.context;
  request.positive = requested(job.positive, "positive");
  request.negative = requested(job.negative, "negative");
  request.middle = requested(job.middle, "middle");
  request.hooks = job.hooks;
  request.batching = job.workers.batching;
  request.workers = job_.worker_count;
  request.device_kind = job_.device_kind;
  request.split_batch = job.workers.split_batch;
  progress_.phase(Phase::kSampling);
  RemoteUnitRunner runner(units_, job_, apply_sampling(job_.info.sigmas, job.sampling, job.motion));
  StepClock clock;
  return sample(request, runner, [&](const StepReport& report) {
    progress_.step(clock.event(report, runner.take_shares()));
    show_preview(report);
    units_.check_cancelled();
  });
}

void JobRun::show_preview(const StepReport& report) {
  if (!progress_.wants_preview()) return;
  const models::Family* family = models::find_family(job_.info.family);
  progress_.preview(
      report.step,
      make_preview(report.denoised, family == nullptr ? models::LatentColours{} : family->colours)
          .fd);
}

at::Tensor JobRun::make_image(const at::Tensor& latent) {
  const auto& upscale = job_.job.upscale;
  progress_.phase(Phase::kDecoding);
  const at::Tensor image = upscale && upscale->image
                               ? load_tensor(job_, *upscale->image, "upscale.image").to(at::kFloat)
                               : decode_latent(job_, units_, progress_, latent);
  return upscale ? upscale_image(job_, units_, progress_, image) : image;
}

at::Tensor JobRun::forward() {
  const job::Forward& inputs = *job_.job.forward;
  UnitTask task;
  const auto put_input = [&](const std::string& name, const char* path) {
    SharedTensor shared = share(units_.inputs(), load_tensor(job_, name, path).to(at::kFloat));
    if (shared.block) task.inputs.push_back(std::move(shared.block));
    return std::move(shared.handle);
  };
  Forward unit{job_.model,
               put_input(inputs.x, "forward.x"),
               put_input(inputs.timestep, "forward.timestep"),
               {},
               {},
               model_patches(job_),
               motion_use(job_.job.motion)};
  if (inputs.context) unit.context = put_input(*inputs.context, "forward.context");
  if (inputs.y) unit.y = put_input(*inputs.y, "forward.y");
  const std::size_t batch_cells = byte_size(layout_of(unit.x)) / job_.info.unet_in_channels;
  task.output_bytes = batch_cells * static_cast<std::size_t>(job_.info.latent.channels);
  task.unit = std::move(unit);
  const UnitOutcome outcome = run_one(std::move(task));
  return read_result(std::get<ForwardResult>(outcome.result).out, outcome.output.get());
}

std::vector<RequestedCond> JobRun::requested(const std::vector<job::Cond>& conds,
                                             const std::string& key) {
  std::vector<RequestedCond> requested;
  for (std::size_t i = 0; i < conds.size(); ++i) {
    const std::string path = key + "[" + std::to_string(i) + "]";
    for (RequestedCond& cond : requested_conds(job_, conds[i], path, prompts_))
      requested.push_back(std::move(cond));
  }
  return requested;
}

std::optional<at::Tensor> JobRun::named(const std::optional<job::TensorName>& name,
                                        const char* path) const {
  if (!name) return std::nullopt;
  return load_tensor(job_, *name, path);
}

UnitOutcome JobRun::run_one(UnitTask task) {
  std::vector<UnitTask> tasks;
  tasks.push_back(std::move(task));
  return std::move(units_.run(std::move(tasks)).front());
}

void JobRun::put(const std::string& output, const std::string& name, at::Tensor tensor) {
  auto& names = outputs_[output];
  if (!names.is_array()) names = boost::json::array();
  names.as_array().push_back(boost::json::value(name));
  tensors_.emplace_back(name, std::move(tensor));
}

void JobRun::put_sigmas() {
  const job::Job& job = job_.job;
  const models::Prediction prediction(apply_sampling(job_.info.sigmas, job.sampling, job.motion));
  put("sigmas", "sigmas",
      to_tensor(calculate_job_sigmas(*job.sampler, named(job.sampler->sigmas, "sampler.sigmas"),
                                     prediction)));
}

void JobRun::put_noise(const at::Tensor& latent) {
  const job::Job& job = job_.job;
  const bool add_noise = !job.sampler || job.sampler->add_noise;
  put("noise", "noise",
      make_job_noise(job.noise, named(job.noise.tensor, "noise.tensor"), add_noise, latent.sizes())
          .starting);
}

void JobRun::put_windows(const at::Tensor& latent) {
  const job::Job& job = job_.job;
  const models::Prediction prediction(apply_sampling(job_.info.sigmas, job.sampling, job.motion));
  const Sigmas sigmas =
      calculate_job_sigmas(*job.sampler, named(job.sampler->sigmas, "sampler.sigmas"), prediction);
  const std::size_t steps = sigmas.empty() ? 0 : sigmas.size() - 1;
  outputs_["windows"] = windows_json(*job.context, latent.sizes(), steps);
}

void JobRun::put_image(const at::Tensor& latent) {
  const at::Tensor image = make_image(latent);
  const bool bytes = job_.job.output.image_dtype == job::ImageType::kUint8;
  put("image", "image", bytes ? to_uint8(image) : image);
}

// Its names begin with "plugin.", so that they are never those of another output.
void JobRun::put_plugin() {
  progress_.phase(Phase::kSampling);
  for (NamedTensor& tensor : run_plugin_work(job_, units_, plugins_))
    put("plugin", "plugin." + tensor.first, std::move(tensor.second));
}

}  // namespace tandem::coordinator

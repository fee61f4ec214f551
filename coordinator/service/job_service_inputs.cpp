// What a job asks for, found and opened: models, files, devices, types.
#include "coordinator/service/device_choice.hpp"
#include "coordinator/service/job_service.hpp"
#include "coordinator/service/job_types.hpp"
#include "coordinator/service/model_spec_of.hpp"
#include "coordinator/service/tensor_sources.hpp"
#include "protocol/asked_type.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

// What every worker of a kind or device can compute in.
models::DeviceTypes types_of_device(const std::string& device,
                                    const std::vector<WorkerView>& workers) {
  models::DeviceTypes types{kind_of_device(device) == "gpu", true};
  for (const WorkerView& worker : workers) {
    if (worker.kind == device || worker.device == device) types.has_bfloat16 &= worker.has_bfloat16;
  }
  return types;
}

// Of a file, or of tensors of the message that stand for one.
EmbeddingSource embedding_source(const AcceptedJob& job, const std::string& file,
                                 const std::string& key) {
  const auto prefix = job::tensors_prefix(file);
  if (!prefix) return open_embedding(absolute_path(file, key));
  std::vector<NamedLayout> tensors;
  for (const std::string& name : job.tensors->names()) {
    if (name.starts_with(*prefix) && name != *prefix)
      tensors.emplace_back(name.substr(prefix->size()), job.tensors->layout(name, key));
  }
  return embedding_of(job.side_files.at(file), tensors);
}

}  // namespace

AcceptedJob JobService::accept(job::Job job, ipc::Fd tensors, const JobOwner& owner,
                               std::vector<WarningEvent>& warnings) {
  std::shared_ptr<const TensorFile> given;
  if (tensors.valid()) given = std::make_shared<TensorFile>(tensors, limits_.queued_bytes);
  jobs_.check_quota(owner, given ? given->size() : 0);
  AcceptedJob accepted = open_inputs(std::move(job), std::move(given), warnings);
  executor_.check(accepted);
  for (const std::string& device :
       {accepted.devices.unet, accepted.devices.text, accepted.devices.vae})
    pool_->ensure_worker(device);
  return accepted;
}

AcceptedJob JobService::open_inputs(job::Job job, std::shared_ptr<const TensorFile> tensors,
                                    std::vector<WarningEvent>& warnings) {
  folders_.resolve(job);
  AcceptedJob accepted;
  accepted.id = JobId{next_job_++};
  accepted.tensors = std::move(tensors);
  const KnownModel model = resolve(model_spec_of(job));
  accepted.model = model.id;
  accepted.info = model.info;
  if (!job.model.upscale.empty()) {
    const KnownModel upscale = resolve(upscale_spec_of(job));
    accepted.upscale = NamedModel{upscale.id, upscale.info};
  }
  accepted.side_files = find_side_files(job);
  accepted.devices = choose_devices(job.model, workers_, warnings);
  accepted.device_kind = kind_of_device(accepted.devices.unet);
  if (job.workers.on_nan == job::OnNan::kFp32)
    accepted.fp32 = fp32_twin(accepted, model_spec_of(job));
  for (const auto& [name, speed] : job.workers.relative_speed) {
    if (!pool_->slots_named(name).empty()) continue;
    warnings.push_back({"unknown_device", "workers.relative_speed: there is no worker or device " +
                                              name + " here; its speed is not used."});
  }
  accepted.job = std::move(job);
  add_tensor_sources(accepted, accepted.tensors.get());
  accepted.embeddings = open_embeddings(accepted);
  return accepted;
}

std::optional<Embeddings> JobService::open_embeddings(const AcceptedJob& job) const {
  if (job.job.model.embeddings.empty() && folders_.embeddings().empty()) return std::nullopt;
  Embeddings embeddings;
  for (const auto& [name, file] : job.job.model.embeddings)
    embeddings.emplace(name, embedding_source(job, file, key_path("model.embeddings", name)));
  embeddings.merge(find_embeddings(prompts_of(job.job), embeddings, folders_));
  return embeddings;
}

KnownModel JobService::resolve(const ModelSpec& spec) {
  return models_.resolve(spec, [this](ModelId old) { pool_->models().unload({old}); });
}

std::optional<ModelId> JobService::fp32_twin(const AcceptedJob& job, ModelSpec spec) {
  const std::vector<WorkerView> workers = pool_->workers();
  bool is_fp32 = true;
  for (const ModelPart part : {ModelPart::kUnet, ModelPart::kText, ModelPart::kVae}) {
    const models::DeviceTypes types = types_of_device(job.devices.of(part), workers);
    is_fp32 &= models::compute_type(part, asked_type(spec, part), types) == ComputeType::kF32;
  }
  if (is_fp32) return std::nullopt;
  spec.dtype = spec.text_dtype = spec.vae_dtype = ComputeType::kF32;
  return resolve(spec).id;
}

boost::json::object JobService::types(const AcceptedJob& job) const {
  const std::vector<WorkerView> workers = pool_->workers();
  return job_types(job.job.model,
                   [&](ModelPart part) { return types_of_device(job.devices.of(part), workers); });
}

}  // namespace tandem::coordinator

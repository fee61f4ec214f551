#include "coordinator/service/evaluators/evaluator_service.hpp"

#include <random>

#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>

#include "coordinator/service/evaluators/weight_patches.hpp"
#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

std::string random_prefix() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string prefix = "e";
  for (int i = 0; i < 8; ++i)
    prefix += kDigits[random() % kDigits.size()];
  return prefix;
}

ipc::Fd take(const std::string& key, int index, std::vector<ipc::Fd>& fds) {
  const auto position = static_cast<std::size_t>(index);
  if (position < fds.size() && fds[position].valid()) return std::move(fds[position]);
  throw Error(ErrorCode::kBadRequest,
              key + ": descriptor " + std::to_string(index) + " was named, but the frame carries " +
                  std::to_string(fds.size()) + ", each for one use.",
              {}, key);
}

std::size_t byte_size_of(const std::vector<std::int64_t>& shape) {
  constexpr std::size_t kMaxBytes = std::size_t{1} << 30;
  std::size_t bytes = sizeof(float);
  for (const std::int64_t side : shape) {
    bytes *= static_cast<std::size_t>(side);  // each side is below 2^21, so this does not overflow
    if (bytes <= kMaxBytes) continue;
    throw Error(ErrorCode::kOutOfRange, "latent.shape: x has at most 1 GiB.",
                "Ask for fewer items or a smaller size.", "latent.shape");
  }
  return bytes;
}

std::optional<HostSlots> take_slots(const PrepareRequest& request, std::vector<ipc::Fd>& fds) {
  const std::size_t bytes = byte_size_of(request.shape);
  if (!request.slots) return std::nullopt;
  ipc::Fd input = take("slots.input", request.slots->input, fds);
  ipc::Fd output = take("slots.output", request.slots->output, fds);
  return HostSlots(std::move(input), std::move(output), bytes, request.slots->lists);
}

boost::json::array to_json(const std::vector<WarningEvent>& warnings) {
  boost::json::array list;
  for (const WarningEvent& warning : warnings)
    list.push_back({{"code", warning.code}, {"message", warning.message}});
  return list;
}

}  // namespace

EvaluatorService::EvaluatorService(EvaluatorHost host)
    : host_(std::move(host)), prefix_(random_prefix()) {}

void EvaluatorService::prepare(Owner owner, const JobOwner& host, PrepareRequest request, Fds& fds,
                               EvaluatorDone done) {
  if (ends_) throw Error(ErrorCode::kNoWorker, "The service is shutting down.");
  if (evaluators_.size() >= kMaxEvaluators) {
    throw Error(ErrorCode::kQuota,
                std::to_string(kMaxEvaluators) + " evaluators are prepared, which is the most.",
                "Release some.");
  }
  std::optional<HostSlots> slots = take_slots(request, fds);
  const auto tensors = take_tensors(request.tensors, fds);
  std::vector<WarningEvent> warnings;
  AcceptedEvaluator accepted = accept(request, tensors, warnings);
  CondsToAdd conds = conds_to_add(accepted.job, std::move(request.conds), tensors);
  const std::string id = prefix_ + "-" + std::to_string(next_++);
  Evaluator& evaluator = add(owner, host, id, std::move(accepted), std::move(slots));
  const auto described = [this, id, &evaluator, warnings = std::move(warnings),
                          done = std::move(done)](EvaluatorAnswer answer) {
    if (answer.failure) {
      close(id, {});
    } else {
      answer.fields["evaluator"] = id;
      answer.fields["types"] = host_.types(evaluator.accepted().job);
      add_warnings(answer.fields, to_json(warnings));
    }
    done(std::move(answer));
  };
  work_for(host, described, [&](EvaluatorDone answered) {
    evaluator.prepare(std::move(conds), std::move(answered));
  });
}

// Answers come later, so the request has begun when it ends.
void EvaluatorService::work_for(const JobOwner& host, EvaluatorDone done,
                                const std::function<void(EvaluatorDone)>& ask) {
  ask([this, host, done = std::move(done)](EvaluatorAnswer answer) {
    host_.request_ends(host);
    done(std::move(answer));
  });
  host_.request_begins(host);
}

Evaluator& EvaluatorService::add(Owner owner, const JobOwner& host, const std::string& id,
                                 AcceptedEvaluator accepted, std::optional<HostSlots> slots) {
  JobLimits limits = host_.limits(accepted.job);
  accepted.job.worker_count = std::max<std::size_t>(1, host_.pool.usable_workers(limits));
  auto evaluator = std::make_unique<Evaluator>(host_.pool, host_.executor, std::move(accepted),
                                               std::move(limits), std::move(slots));
  return *evaluators_.emplace(id, Entry{owner, host, std::move(evaluator)}).first->second.evaluator;
}

AcceptedEvaluator EvaluatorService::accept(PrepareRequest& request,
                                           const std::shared_ptr<const TensorFile>& tensors,
                                           std::vector<WarningEvent>& warnings) {
  AcceptedEvaluator accepted;
  accepted.job = host_.accept(std::move(request.job), tensors, warnings);
  accepted.job.tensors.reset();
  accepted.shape = request.shape;
  accepted.sigmas.assign(request.sigmas.begin(), request.sigmas.end());
  host_.executor.check(accepted);
  add_weight_patches(accepted.job, request.patches, tensors.get());
  for (const std::string& device : {accepted.job.devices.unet, accepted.job.devices.text})
    host_.pool.ensure_worker(device);
  return accepted;
}

std::shared_ptr<const TensorFile> EvaluatorService::take_tensors(const std::optional<int>& index,
                                                                 Fds& fds) const {
  if (!index) return nullptr;
  return std::make_shared<TensorFile>(take("tensors", *index, fds), host_.max_tensor_bytes);
}

EvaluatorService::Entry& EvaluatorService::at(Owner owner, const std::string& id) {
  const auto found = evaluators_.find(id);
  if (found != evaluators_.end() && found->second.owner == owner) return found->second;
  throw Error(ErrorCode::kNotFound, "evaluator: this connection has no evaluator of this id.",
              "An evaluator ends with the connection that prepared it.", "evaluator");
}

CondsToAdd EvaluatorService::conds_to_add(const AcceptedJob& job, evaluator::Conds conds,
                                          std::shared_ptr<const TensorFile> tensors) const {
  CondsToAdd added{std::move(conds), std::move(tensors), {}};
  if (!job.embeddings) return added;
  std::vector<PromptUse> prompts;
  for (const auto& [id, cond] : added.conds) {
    if (!cond.model_conds) prompts.push_back({&cond.cond.prompt, key_path("conds", id)});
  }
  added.embeddings = host_.find_embeddings(prompts, *job.embeddings);
  return added;
}

void EvaluatorService::add_conds(Owner owner, AddCondsRequest request, Fds& fds,
                                 EvaluatorDone done) {
  const Entry& entry = at(owner, request.evaluator);
  auto tensors = take_tensors(request.tensors, fds);
  CondsToAdd conds =
      conds_to_add(entry.evaluator->accepted().job, std::move(request.conds), std::move(tensors));
  work_for(entry.host, std::move(done), [&](EvaluatorDone answered) {
    entry.evaluator->add_conds(std::move(conds), std::move(answered));
  });
}

void EvaluatorService::drop_conds(Owner owner, DropCondsRequest request, EvaluatorDone done) {
  at(owner, request.evaluator).evaluator->drop_conds(std::move(request.conds), std::move(done));
}

void EvaluatorService::evaluate(Owner owner, std::uint64_t id, EvaluateRequest request, Fds& fds,
                                EvaluatorDone done) {
  const Entry& entry = at(owner, request.evaluator);
  auto x = take_tensors(request.tensors, fds);
  work_for(entry.host, std::move(done), [&](EvaluatorDone answered) {
    entry.evaluator->evaluate(id, std::move(request), std::move(x), std::move(answered));
  });
}

void EvaluatorService::release(Owner owner, const ReleaseRequest& request, EvaluatorDone done) {
  at(owner, request.evaluator);
  close(request.evaluator, std::move(done));
}

void EvaluatorService::cancel(const CancelRequest& request) {
  const auto found = evaluators_.find(request.evaluator);
  if (found == evaluators_.end()) {
    throw Error(ErrorCode::kNotFound, "evaluator: there is no evaluator of this id.", {},
                "evaluator");
  }
  found->second.evaluator->cancel(request.request);
}

const JobOwner* EvaluatorService::host_of(JobId job) const {
  for (const auto& [id, entry] : evaluators_) {
    if (entry.evaluator->accepted().job.id == job) return &entry.host;
  }
  return nullptr;
}

void EvaluatorService::end_of(Owner owner) {
  for (auto& [id, entry] : evaluators_) {
    if (entry.owner == owner) close(id, {});
  }
}

// Nobody finds it any more; it is kept until it has ended.
void EvaluatorService::close(const std::string& id, EvaluatorDone done) {
  Entry& entry = evaluators_.at(id);
  entry.owner = nullptr;
  entry.evaluator->close([this, id, done = std::move(done)] {
    closed(id);
    if (done) done({});
  });
}

void EvaluatorService::closed(const std::string& id) {
  const auto entry = evaluators_.extract(id);
  host_.ended(entry.mapped().evaluator->accepted().job);
  if (evaluators_.empty() && on_all_closed_) std::exchange(on_all_closed_, {})();
}

void EvaluatorService::close_all(std::function<void()> done) {
  ends_ = true;
  if (evaluators_.empty()) return done();
  on_all_closed_ = std::move(done);
  for (auto& [id, entry] : evaluators_)
    close(id, {});
}

}  // namespace tandem::coordinator

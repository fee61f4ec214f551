#include "coordinator/service/job_table.hpp"

#include <algorithm>
#include <random>

namespace tandem::coordinator {
namespace {

std::string random_prefix() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string prefix;
  for (int i = 0; i < 8; ++i)
    prefix += kDigits[random() % kDigits.size()];
  return prefix;
}

// What an owner has waiting or running.
struct Waiting {
  std::uint64_t jobs = 0;
  std::uint64_t bytes = 0;

  void add(const JobRecord& job) {
    ++jobs;
    if (job.accepted().tensors) bytes += job.accepted().tensors->size();
  }
};

bool within(const Waiting& waiting, std::uint64_t jobs, std::uint64_t bytes) {
  return waiting.jobs <= jobs && waiting.bytes <= bytes;
}

}  // namespace

JobTable::JobTable(HostLimits limits) : limits_(limits), prefix_(random_prefix()) {}

void JobTable::check_quota(const JobOwner& owner, std::size_t tensor_bytes) const {
  Waiting user{1, tensor_bytes};
  Waiting session = user;
  for (const auto& [number, job] : jobs_) {
    if (job->has_ended() || job->owner().user != owner.user) continue;
    user.add(*job);
    if (job->owner() == owner) session.add(*job);
  }
  const std::uint64_t jobs = limits_.queued_jobs;
  const std::uint64_t bytes = limits_.queued_bytes;
  if (within(user, jobs, bytes)) return;
  if (within(session, jobs / kReserve, bytes / kReserve) && within(user, 2 * jobs, 2 * bytes)) {
    return;
  }
  if (user.bytes > bytes) {
    throw Error(ErrorCode::kQuota, "The tensors of your jobs that wait would take " +
                                       std::to_string(user.bytes) + " bytes; " +
                                       std::to_string(bytes) + " are allowed.");
  }
  throw Error(
      ErrorCode::kQuota,
      std::to_string(user.jobs - 1) + " of your jobs wait already, which is as many as may wait.",
      "Wait for some to end, or cancel them.");
}

std::string JobTable::new_id() {
  return prefix_ + "-" + std::to_string(next_++);
}

void JobTable::add(const std::shared_ptr<JobRecord>& job) {
  jobs_.emplace(job->accepted().id.value, job);
  order_.join(job->owner());
}

std::shared_ptr<JobRecord> JobTable::at(const std::string& id) const {
  const auto it =
      std::ranges::find_if(jobs_, [&](const auto& entry) { return entry.second->id() == id; });
  if (it == jobs_.end()) {
    throw Error(ErrorCode::kNotFound, "There is no job of this id.",
                "Results are kept for an hour after a job's end.", "job");
  }
  return it->second;
}

std::shared_ptr<JobRecord> JobTable::next_queued() {
  const auto jobs = all();
  order_.keep_owners_of(jobs);
  return order_.next(jobs);
}

std::size_t JobTable::position(const JobRecord& job) const {
  return order_.position(all(), job);
}

void JobTable::charge(JobId job, double seconds) {
  const auto it = jobs_.find(job.value);
  if (it != jobs_.end()) order_.charge(it->second->owner(), seconds);
}

void JobTable::charge(const JobOwner& host, double seconds) {
  order_.charge(host, seconds);
}

void JobTable::begin_request(const JobOwner& host) {
  order_.begin_request(host);
}

void JobTable::end_request(const JobOwner& host) {
  order_.end_request(host, all());
}

std::vector<std::shared_ptr<JobRecord>> JobTable::all() const {
  std::vector<std::shared_ptr<JobRecord>> jobs;
  for (const auto& [number, job] : jobs_)
    jobs.push_back(job);
  return jobs;
}

void JobTable::forget(const std::string& id) {
  const auto job = at(id);
  if (!job->has_ended()) {
    throw Error(ErrorCode::kBadRequest, "The job has not ended.", "Cancel it first.", "job");
  }
  jobs_.erase(job->accepted().id.value);
}

void JobTable::expire(std::chrono::steady_clock::time_point now) {
  const std::chrono::seconds ttl(limits_.result_ttl_seconds);
  std::size_t results = 0;
  std::uint64_t bytes = 0;
  // Jobs end about in the order of their numbers: from the newest on, what is past the limits goes.
  for (auto it = jobs_.end(); it != jobs_.begin();) {
    --it;
    const JobRecord& job = *it->second;
    if (!job.has_ended()) continue;
    bytes += job.result().bytes;
    if (now - job.ended_at() > ttl || ++results > kKeptResults || bytes > kKeptResultBytes) {
      bytes -= job.result().bytes;
      it = jobs_.erase(it);
    }
  }
}

}  // namespace tandem::coordinator

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

bool runs_before(const JobRecord& a, const JobRecord& b) {
  if (a.priority() != b.priority()) return a.priority() > b.priority();
  return a.accepted().id < b.accepted().id;
}

}  // namespace

JobTable::JobTable(HostLimits limits) : limits_(limits), prefix_(random_prefix()) {}

void JobTable::check_quota(std::size_t tensor_bytes) const {
  std::size_t jobs = 0;
  std::size_t bytes = tensor_bytes;
  for (const auto& [number, job] : jobs_) {
    if (job->has_ended()) continue;
    ++jobs;
    if (job->accepted().tensors) bytes += job->accepted().tensors->size();
  }
  if (jobs >= limits_.queued_jobs) {
    throw Error(ErrorCode::kQuota,
                std::to_string(jobs) + " jobs wait already, which is as many as may wait.",
                "Wait for some to end, or cancel them.");
  }
  if (bytes > limits_.queued_bytes) {
    throw Error(ErrorCode::kQuota, "The tensors of the jobs that wait would take " +
                                       std::to_string(bytes) + " bytes; " +
                                       std::to_string(limits_.queued_bytes) + " are allowed.");
  }
}

std::string JobTable::new_id() {
  return prefix_ + "-" + std::to_string(next_++);
}

void JobTable::add(const std::shared_ptr<JobRecord>& job) {
  jobs_.emplace(job->accepted().id.value, job);
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

std::shared_ptr<JobRecord> JobTable::next_queued() const {
  std::shared_ptr<JobRecord> next;
  for (const auto& [number, job] : jobs_) {
    if (job->state() == Phase::kQueued && (!next || runs_before(*job, *next))) next = job;
  }
  return next;
}

std::size_t JobTable::position(const JobRecord& job) const {
  return static_cast<std::size_t>(std::ranges::count_if(jobs_, [&](const auto& entry) {
    const JobRecord& other = *entry.second;
    if (other.state() != Phase::kQueued) return !other.has_ended();
    return runs_before(other, job);
  }));
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

// All jobs of a service: the queue, the one that runs, and the results that wait to be fetched.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/service/job_order.hpp"
#include "coordinator/service/job_record.hpp"
#include "protocol/host_reply.hpp"

namespace tandem::coordinator {

// What ended jobs may take together while nobody fetches or forgets them.
inline constexpr std::size_t kKeptResults = 1024;
inline constexpr std::uint64_t kKeptResultBytes = std::uint64_t{2} << 30;

class JobTable {
 public:
  explicit JobTable(HostLimits limits);

  // Throws kQuota where too many jobs, or too many bytes of tensors, of the user wait already. A
  // session with less than a kReserve-th of that may go past it, so that one host which floods does
  // not shut out the user's others; twice the quota is the end.
  void check_quota(const JobOwner& owner, std::size_t tensor_bytes) const;
  static constexpr std::uint64_t kReserve = 16;

  std::string new_id();
  void add(const std::shared_ptr<JobRecord>& job);
  // Throws kNotFound.
  std::shared_ptr<JobRecord> at(const std::string& id) const;
  // The one to run next (job_order.hpp); null where none waits.
  std::shared_ptr<JobRecord> next_queued();
  // How many run before it, if all take equally long.
  std::size_t position(const JobRecord& job) const;
  // A unit of the job, or of an evaluator of this host, took so long. An id of no job is no error.
  void charge(JobId job, double seconds);
  void charge(const JobOwner& host, double seconds);
  // A request of an evaluator of this host is worked on, and done: while it is, its host takes part
  // in the turns.
  void begin_request(const JobOwner& host);
  void end_request(const JobOwner& host);
  std::vector<std::shared_ptr<JobRecord>> all() const;  // in the order of submission

  // Throws kBadRequest for a job that has not ended.
  void forget(const std::string& id);
  // Forgets what ended before now - time-to-live, and the oldest results past kKeptResults and
  // kKeptResultBytes.
  void expire(std::chrono::steady_clock::time_point now);

 private:
  HostLimits limits_;
  std::string prefix_;  // of this service's ids, so that an old id is never taken for a new job
  std::uint64_t next_ = 1;
  JobOrder order_;
  std::map<std::uint64_t, std::shared_ptr<JobRecord>> jobs_;  // by number
};

}  // namespace tandem::coordinator

// Which of the jobs that wait runs next. Users take turns by the time that their units took; a
// user's job of higher priority goes before the others of this user; within a priority the user's
// sessions take turns by the same measure, and a session's jobs run in the order of submission.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "coordinator/dispatch/fair_share.hpp"
#include "coordinator/service/job_record.hpp"

namespace tandem::coordinator {

class JobOrder {
 public:
  using Jobs = std::vector<std::shared_ptr<JobRecord>>;  // in the order of submission

  // Has a job that waits or runs, from now on.
  void join(const JobOwner& owner);
  // Has a request of an evaluator that is worked on, from now on; one may have several.
  void begin_request(const JobOwner& owner);
  // One of them is done.
  void end_request(const JobOwner& owner, const Jobs& jobs);
  // Lets go of those whose jobs and requests have all ended.
  void keep_owners_of(const Jobs& jobs);
  void charge(const JobOwner& owner, double seconds);

  // Null where none waits. Owners of all jobs that wait have joined.
  std::shared_ptr<JobRecord> next(const Jobs& jobs) const;
  // How many run before it, if all take equally long: those that run; of its own session and
  // priority those that came before it, and of each other session, or user, as many as it has had
  // turns by then.
  std::size_t position(const Jobs& jobs, const JobRecord& job) const;

 private:
  std::vector<JobOwner> requests_;  // owners of those that are worked on
  FairShare users_;
  FairShare sessions_;
};

}  // namespace tandem::coordinator

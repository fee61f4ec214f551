#include "coordinator/service/job_order.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace tandem::coordinator {
namespace {

std::string user_of(const JobOwner& owner) {
  return std::to_string(owner.user);
}

std::string session_of(const JobOwner& owner) {
  return user_of(owner) + "/" + owner.session;
}

JobOrder::Jobs waiting(const JobOrder::Jobs& jobs) {
  JobOrder::Jobs waiting;
  std::ranges::copy_if(jobs, std::back_inserter(waiting),
                       [](const auto& job) { return job->state() == Phase::kQueued; });
  return waiting;
}

// Turns that go to others before this job, which is the `turn`-th of its own: each other one of
// the counted has at most as many.
std::size_t turns_of_others(const std::map<std::string, std::size_t>& counts, std::size_t turn) {
  std::size_t sum = 0;
  for (const auto& [who, jobs] : counts)
    sum += std::min(jobs, turn);
  return sum;
}

}  // namespace

void JobOrder::join(const JobOwner& owner) {
  users_.join(user_of(owner));
  sessions_.join(session_of(owner));
}

void JobOrder::begin_request(const JobOwner& owner) {
  join(owner);
  requests_.push_back(owner);
}

void JobOrder::end_request(const JobOwner& owner, const Jobs& jobs) {
  const auto one = std::ranges::find(requests_, owner);
  if (one != requests_.end()) requests_.erase(one);
  keep_owners_of(jobs);
}

void JobOrder::keep_owners_of(const Jobs& jobs) {
  std::set<std::string> users;
  std::set<std::string> sessions;
  const auto keep = [&](const JobOwner& owner) {
    users.insert(user_of(owner));
    sessions.insert(session_of(owner));
  };
  std::ranges::for_each(requests_, keep);
  for (const auto& job : jobs) {
    if (!job->has_ended()) keep(job->owner());
  }
  users_.keep_only([&](const std::string& who) { return users.contains(who); });
  sessions_.keep_only([&](const std::string& who) { return sessions.contains(who); });
}

void JobOrder::charge(const JobOwner& owner, double seconds) {
  users_.charge(user_of(owner), seconds);
  sessions_.charge(session_of(owner), seconds);
}

// min_element takes the first of equals: the one that was submitted first.
std::shared_ptr<JobRecord> JobOrder::next(const Jobs& jobs) const {
  Jobs left = waiting(jobs);
  if (left.empty()) return nullptr;
  const auto user = user_of((*std::ranges::min_element(left, {}, [&](const auto& job) {
                              return users_.used(user_of(job->owner()));
                            }))->owner());
  std::erase_if(left, [&](const auto& job) { return user_of(job->owner()) != user; });
  const int priority = (*std::ranges::max_element(left, {}, [](const auto& job) {
                         return job->priority();
                       }))->priority();
  std::erase_if(left, [&](const auto& job) { return job->priority() != priority; });
  return *std::ranges::min_element(
      left, {}, [&](const auto& job) { return sessions_.used(session_of(job->owner())); });
}

std::size_t JobOrder::position(const Jobs& jobs, const JobRecord& job) const {
  std::map<std::string, std::size_t> users;
  std::map<std::string, std::size_t> sessions;
  std::size_t running = 0;
  std::size_t more_urgent = 0;
  std::size_t own = 0;
  for (const auto& other : jobs) {
    if (other.get() == &job || other->has_ended()) continue;
    if (other->state() != Phase::kQueued) {
      ++running;
    } else if (other->owner().user != job.owner().user) {
      ++users[user_of(other->owner())];
    } else if (other->priority() != job.priority()) {
      more_urgent += other->priority() > job.priority() ? 1 : 0;
    } else if (other->owner() != job.owner()) {
      ++sessions[session_of(other->owner())];
    } else {
      own += other->accepted().id < job.accepted().id ? 1 : 0;
    }
  }
  const std::size_t of_user = more_urgent + own + turns_of_others(sessions, own + 1);
  return running + of_user + turns_of_others(users, of_user + 1);
}

}  // namespace tandem::coordinator

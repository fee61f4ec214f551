// One job from its acceptance to the day its result is forgotten: state, events, result.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/service/job_executor.hpp"
#include "protocol/error.hpp"
#include "protocol/host_event.hpp"
#include "protocol/host_reply.hpp"

namespace tandem::coordinator {

// Whoever wants a job's events: a host's connection.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void event(const std::string& json) = 0;
};

// Lives on the io thread.
class JobRecord {
 public:
  JobRecord(std::string id, AcceptedJob accepted, int priority)
      : id_(std::move(id)), accepted_(std::move(accepted)), priority_(priority) {}

  const std::string& id() const { return id_; }
  const AcceptedJob& accepted() const { return accepted_; }
  int priority() const { return priority_; }
  // Queued until it runs; then the phase it is in, which is final in the end.
  Phase state() const { return state_; }
  bool has_ended() const { return is_final(state_); }
  const std::optional<Failure>& failure() const { return failure_; }
  const JobResult& result() const { return result_; }
  std::chrono::steady_clock::time_point ended_at() const { return ended_at_; }

  // Gives the event its number, keeps it, and sends it to everyone who watches. No event follows
  // the one of the end.
  void add_event(Event event);
  // The last phase event; then everyone who waits for the end is called.
  void end(Phase state, std::optional<Failure> failure, JobResult result);
  // Known when it starts.
  void set_worker_count(std::size_t count) { accepted_.worker_count = count; }
  // Lets go of what only a running job needs: its tensors.
  void release_inputs() {
    accepted_.tensors.reset();
    accepted_.memory_files.clear();
  }

  // Sends the events after `seq` that have been. A sink is subscribed once, however often it asks.
  void replay(EventSink& sink, std::uint64_t after) const;
  void subscribe(const std::shared_ptr<EventSink>& sink);

  // Calls it at the end, or now where the job has ended.
  void when_ended(std::function<void()> callback);

  JobStatus status() const;

 private:
  std::string id_;
  AcceptedJob accepted_;
  int priority_ = 0;
  Phase state_ = Phase::kQueued;
  std::vector<std::string> events_;  // event n at n - 1, as it was sent
  int step_ = 0;
  int total_steps_ = 0;
  std::vector<std::weak_ptr<EventSink>> sinks_;
  std::vector<std::function<void()>> waiting_;
  std::optional<Failure> failure_;
  JobResult result_;
  std::chrono::steady_clock::time_point ended_at_;
};

}  // namespace tandem::coordinator

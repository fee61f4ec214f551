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

// Whose a job is: who gets its turn by what it used, and whose quota it takes.
struct JobOwner {
  std::uint32_t user = 0;  // of the system
  std::string session;

  bool operator==(const JobOwner&) const = default;
};

// Whoever wants a job's events: a host's connection.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void event(const std::string& json) = 0;
  // May be dropped where it is slow; a newer one of the job takes the place of one that waits.
  virtual void preview(const std::string& job, const std::string& json, ipc::Fd tensors) = 0;
  // One of the job that waits is not to be sent any more.
  virtual void forget_preview(const std::string& job) = 0;
};

// Lives on the io thread.
class JobRecord {
 public:
  JobRecord(std::string id, AcceptedJob accepted, JobOwner owner, int priority)
      : id_(std::move(id)),
        accepted_(std::move(accepted)),
        owner_(std::move(owner)),
        priority_(priority) {}

  const std::string& id() const { return id_; }
  const AcceptedJob& accepted() const { return accepted_; }
  const JobOwner& owner() const { return owner_; }
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

  // The sink that gets previews; to be set before the job runs.
  void show_previews_to(const std::shared_ptr<EventSink>& sink) { viewer_ = sink; }
  // From any thread, once the job runs.
  bool has_viewer() const { return !viewer_.expired(); }
  void add_preview(int step, ipc::Fd tensors);

  // Calls it at the end, or now where the job has ended.
  void when_ended(std::function<void()> callback);

  JobStatus status() const;

 private:
  std::string id_;
  AcceptedJob accepted_;
  JobOwner owner_;
  int priority_ = 0;
  Phase state_ = Phase::kQueued;
  std::vector<std::string> events_;  // event n at n - 1, as it was sent
  int step_ = 0;
  int total_steps_ = 0;
  std::vector<std::weak_ptr<EventSink>> sinks_;
  std::weak_ptr<EventSink> viewer_;
  std::vector<std::function<void()>> waiting_;
  std::optional<Failure> failure_;
  JobResult result_;
  std::chrono::steady_clock::time_point ended_at_;
};

}  // namespace tandem::coordinator

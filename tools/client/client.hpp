// The host side of the socket protocol (docs/protocol.md): one connection to a running service.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "ipc/fd.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "protocol/host_event.hpp"
#include "protocol/host_message.hpp"
#include "protocol/host_reply.hpp"
#include "protocol/job/job.hpp"
#include "tools/client/job_result.hpp"
#include "tools/client/job_tensors.hpp"

namespace tandem::client {

// What the service said of itself.
struct ServiceInfo {
  std::string version;
  std::string session;
  HostLimits limits;
  int pid = 0;           // of the coordinator; 0 where it does not say
  int launcher_pid = 0;  // of the process that started it and would start it again; 0: none
};

struct SubmitOptions {
  OnDisconnect on_disconnect = OnDisconnect::kKeep;
  int priority = 0;  // -10 to 10, higher first
};

// Used from one thread; only interrupt() may come from elsewhere. Every call below may throw
// Error: the service's own for an error reply; kInternal where the service ended the connection;
// kResourceExhausted where it does not answer in time; kBadFrame for an answer outside the
// protocol; kCancelled after interrupt(). After any of the last four the connection is of no
// further use.
class Client {
 public:
  using EventHandler = std::function<void(const JobEvent&)>;
  static constexpr std::chrono::seconds kAnswerTime{30};

  // Connects and says hello as `name`. Throws kNotFound where no service accepts at the path.
  Client(const std::string& socket_path, std::string name,
         std::chrono::milliseconds answer_time = kAnswerTime);

  const ServiceInfo& service() const { return service_; }

  // Called for each event of the jobs that this connection submitted or watches, in their order,
  // while any call below waits. It may call the client itself.
  void on_event(EventHandler handler) { handler_ = std::move(handler); }

  // The reply's fields, as docs/protocol.md lists them.
  boost::json::object catalog();
  boost::json::object devices();
  std::vector<JobStatus> jobs();
  // The fields of the reply to `job`; status_from_json reads those that every service sends.
  boost::json::object job(const std::string& id);
  void ping();
  // Acts on a device's workers, or on the one of that name; "device" as `devices` lists it.
  boost::json::object worker(const std::string& device, WorkerAction action);
  // "before" and "after": {device: bytes}; "in_use": names of models that a running job kept.
  // Without a name: all models.
  boost::json::object unload(const std::optional<std::string>& model);

  // The new job's id. Input files are absolute paths or names below the service's model folders.
  std::string submit(const job::Job& job, const JobTensors* tensors, const SubmitOptions& options);
  // Events after `after` are delivered before it returns, those to come later.
  void watch(const std::string& id, std::uint64_t after = 0);
  // Waits, without limit, for the end of a job. Throws the job's own error where it failed,
  // kCancelled where it was cancelled.
  JobResult wait_result(const std::string& id);
  void cancel(const std::string& id);
  void forget(const std::string& id);

  // Ends every call that waits, now and later. From any thread while the client lives.
  void interrupt() noexcept;

  // Asked every kStopCheck while a call waits: once true, the call ends as by interrupt(). For
  // programs that only note signals.
  void stop_when(std::function<bool()> should_stop) { should_stop_ = std::move(should_stop); }
  static constexpr std::chrono::milliseconds kStopCheck{50};

 private:
  struct Reply {
    boost::json::object body;
    std::vector<ipc::Fd> fds;
  };
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  void hello(std::string name);
  Reply ask(const Request& request, const ipc::Fd* tensors = nullptr);
  std::uint64_t send(const Request& request, const ipc::Fd* tensors);
  Reply wait_reply(std::uint64_t id, Deadline deadline);
  ipc::Frame receive(Deadline deadline);
  void check_interruption();
  void handle(ipc::Frame frame);

  std::chrono::milliseconds answer_time_;
  ipc::BlockingConnection connection_;
  ServiceInfo service_;
  EventHandler handler_;
  std::function<bool()> should_stop_;
  std::uint64_t next_id_ = 1;
  std::set<std::uint64_t> pending_;
  std::map<std::uint64_t, Reply> early_;  // replies that came while another was waited for
  std::atomic<bool> is_interrupted_{false};
};

}  // namespace tandem::client

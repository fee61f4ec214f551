// One connection of a host: its requests, the replies, and the events of the jobs that it watches.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "coordinator/service/job_service.hpp"
#include "ipc/socket/connection.hpp"
#include "protocol/host_message.hpp"

namespace tandem::coordinator {

// Lives on the io thread, kept alive by the server until its connection has closed.
class HostSession : public EventSink, public std::enable_shared_from_this<HostSession> {
 public:
  HostSession(boost::asio::io_context& io, std::shared_ptr<ipc::Connection> connection,
              JobService& service, std::uint32_t user);

  // `closed` is called once, when the connection is gone; it may let go of the session.
  void start(std::function<void()> closed);
  void close();

  void event(const std::string& json) override;
  void preview(const std::string& job, const std::string& json, ipc::Fd tensors) override;
  void forget_preview(const std::string& job) override;

 private:
  using Fds = std::vector<ipc::Fd>;

  void receive(ipc::Frame frame);
  void answer(const RequestEnvelope& envelope, Fds& fds);
  void handle(std::uint64_t id, const HelloRequest& request, Fds& fds);
  void handle(std::uint64_t id, const CatalogRequest& request, Fds& fds);
  void handle(std::uint64_t id, const DevicesRequest& request, Fds& fds);
  void handle(std::uint64_t id, SubmitRequest& request, Fds& fds);
  void handle(std::uint64_t id, const JobsRequest& request, Fds& fds);
  void handle(std::uint64_t id, const JobRequest& request, Fds& fds);
  void handle(std::uint64_t id, const WatchRequest& request, Fds& fds);
  void handle(std::uint64_t id, const CancelRequest& request, Fds& fds);
  void handle(std::uint64_t id, const ResultRequest& request, Fds& fds);
  void handle(std::uint64_t id, const ForgetRequest& request, Fds& fds);
  void handle(std::uint64_t id, const PingRequest& request, Fds& fds);
  void handle(std::uint64_t id, const UnloadRequest& request, Fds& fds);
  void handle(std::uint64_t id, const FreeRequest& request, Fds& fds);
  void handle(std::uint64_t id, const BudgetRequest& request, Fds& fds);
  void handle(std::uint64_t id, const WorkerRequest& request, Fds& fds);
  void handle(std::uint64_t id, PrepareRequest& request, Fds& fds);
  void handle(std::uint64_t id, AddCondsRequest& request, Fds& fds);
  void handle(std::uint64_t id, DropCondsRequest& request, Fds& fds);
  void handle(std::uint64_t id, EvaluateRequest& request, Fds& fds);
  void handle(std::uint64_t id, const ReleaseRequest& request, Fds& fds);
  // Sends the answer, unless the connection has gone.
  EvaluatorDone reply_later(std::uint64_t id);
  void send_result(std::uint64_t id, const JobRecord& job);
  void send_previews();
  void reply(std::uint64_t id, const boost::json::object& fields = {}, Fds fds = {});
  void end_with(const Failure& failure);
  void on_closed();

  std::shared_ptr<ipc::Connection> connection_;
  JobService& service_;
  JobOwner owner_;  // its session is empty until hello
  boost::asio::steady_timer hello_deadline_;
  bool greeted_ = false;
  struct Preview {
    std::string json;
    ipc::Fd tensors;
  };
  std::map<std::string, Preview> previews_;   // by job: the newest, where it could not be sent yet
  std::vector<std::string> cancel_on_close_;  // jobs submitted with on_disconnect "cancel"
  std::function<void()> closed_;
};

}  // namespace tandem::coordinator

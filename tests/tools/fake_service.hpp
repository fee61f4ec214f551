// A service without models: real socket, real frames, one job that makes one grey pixel.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ipc/socket/blocking_connection.hpp"
#include "ipc/socket/service_socket.hpp"
#include "protocol/host_message.hpp"

namespace tandem::client {

// Answers one connection until it ends: hello, devices, catalog, jobs, a job "job-1" with two
// steps. A job whose positive text is "fail" fails with out_of_memory; "hang" never ends.
class FakeHost {
 public:
  explicit FakeHost(ipc::BlockingConnection connection) : connection_(std::move(connection)) {}
  void serve();

  // Requests by name, as they came.
  std::vector<std::string> seen;

 private:
  void answer(std::uint64_t id, const Request& request, const std::vector<ipc::Fd>& fds);
  void send_hello(std::uint64_t id);
  void send_events();
  void send_result(std::uint64_t id);
  void send(const std::string& body);

  ipc::BlockingConnection connection_;
  std::string text_;  // of the job
};

class FakeService {
 public:
  using Serve = std::function<void(ipc::BlockingConnection)>;

  // Serves one connection after the other, by default with a FakeHost.
  explicit FakeService(const std::filesystem::path& path, Serve serve = {});
  FakeService(const FakeService&) = delete;
  FakeService& operator=(const FakeService&) = delete;

  std::vector<std::string> seen() const;

 private:
  void run(const std::stop_token& stop);

  ipc::SocketFile socket_;
  Serve serve_;
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
  std::jthread thread_;
};

}  // namespace tandem::client

// Which service a command talks to.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "tools/client/client.hpp"
#include "tools/tandem/private_service.hpp"

namespace tandem::client {

// As given; empty: not given.
struct ServiceOptions {
  std::string socket;
  WorkerOptions workers;
};

void add_socket_option(CLI::App& app, ServiceOptions& options);
void add_device_options(CLI::App& app, ServiceOptions& options);
// All of them, for commands that may start a service of their own: --socket excludes the others.
void add_job_service_options(CLI::App& app, ServiceOptions& options);

// The socket named by --socket, else the default one; absolute.
std::filesystem::path socket_of(const ServiceOptions& options);

// Connects to a service that runs. Throws ExitError with kNoService where none does. The client
// stops waiting when a signal was noted.
std::unique_ptr<Client> connect(const ServiceOptions& options);

// A service for a job: the one at --socket; else one that accepts at the default socket, unless
// a device option or a plug-in was given; else a private one, which ends with this object.
class JobService {
 public:
  explicit JobService(const ServiceOptions& options);

  Client& client() { return *client_; }
  bool is_private() const { return private_ != nullptr; }

 private:
  std::unique_ptr<PrivateService> private_;
  std::unique_ptr<Client> client_;
};

}  // namespace tandem::client

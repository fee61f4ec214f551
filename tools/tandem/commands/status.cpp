#include <memory>

#include <CLI/CLI.hpp>

#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/report.hpp"
#include "tools/tandem/service_options.hpp"

namespace tandem::client {
namespace {

struct Options {
  ServiceOptions service;
  bool json = false;
};

int run(const Options& options) {
  const std::unique_ptr<Client> client = connect(options.service);
  const ServiceInfo& service = client->service();
  const std::string socket = socket_of(options.service).string();
  boost::json::object devices = client->devices();
  const std::vector<JobStatus> jobs = client->jobs();
  if (options.json) {
    boost::json::object report = std::move(devices);
    report["service"] = {{"version", service.version}, {"pid", service.pid}, {"socket", socket}};
    report["jobs"] = jobs_json(jobs);
    print_json(report);
    return kDone;
  }
  print("tandem " + service.version + " (pid " + std::to_string(service.pid) + ") at " + socket);
  for (const std::string& line : device_lines(devices))
    print(line);
  for (const std::string& line : job_lines(jobs))
    print(line);
  return kDone;
}

}  // namespace

Action add_status(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_flag("--json", options->json,
               "Print {\"service\": ..., \"devices\": ..., \"jobs\": ...}");
  add_socket_option(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client

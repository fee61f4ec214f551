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
  const boost::json::object devices = connect(options.service)->devices();
  if (options.json) {
    print_json(devices);
    return kDone;
  }
  for (const std::string& line : device_lines(devices))
    print(line);
  for (const std::string& line : accelerator_lines(devices))
    print(line);
  return kDone;
}

}  // namespace

Action add_devices(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_flag("--json", options->json, "Print the service's reply as JSON");
  add_socket_option(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client

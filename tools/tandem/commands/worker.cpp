#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/report.hpp"
#include "tools/tandem/service_options.hpp"

namespace tandem::client {
namespace {

struct Options {
  ServiceOptions service;
  std::string device;
  WorkerAction action = WorkerAction::kAdd;
  bool json = false;
};

int run(const Options& options) {
  const boost::json::object reply =
      connect(options.service)->worker(options.device, options.action);
  if (options.json) {
    print_json(reply);
    return kDone;
  }
  const boost::json::object devices{{"devices", boost::json::array{reply.at("device")}}};
  for (const std::string& line : device_lines(devices))
    print(line);
  return kDone;
}

}  // namespace

Action add_worker(CLI::App& app) {
  static const std::map<std::string, WorkerAction> kActions = {
      {"add", WorkerAction::kAdd},
      {"drain", WorkerAction::kDrain},
      {"enable", WorkerAction::kEnable},
      {"disable", WorkerAction::kDisable},
  };
  const auto options = std::make_shared<Options>();
  app.add_option("device", options->device, "Device, or worker, as 'tandem devices' names it")
      ->type_name("DEVICE")
      ->required();
  app.add_option(
         "action", options->action,
         "add one more worker; drain: begin nothing more; disable: end at once; enable again")
      ->type_name("add|drain|enable|disable")
      ->required()
      ->transform(CLI::CheckedTransformer(kActions).description(""));
  app.add_flag("--json", options->json, "Print the service's reply as JSON");
  add_socket_option(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client

#include <memory>
#include <optional>

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
  std::optional<std::string> model;
  bool all = false;
  bool json = false;
};

int run(const Options& options) {
  const boost::json::object reply =
      connect(options.service)->unload(options.all ? std::nullopt : options.model);
  if (options.json) {
    print_json(reply);
    return kDone;
  }
  for (const std::string& line : unload_lines(reply))
    print(line);
  return kDone;
}

}  // namespace

Action add_unload(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::Option_group* which = app.add_option_group("which");
  which->add_option("--model", options->model, "The model's name, as 'tandem devices' shows it")
      ->type_name("NAME");
  which->add_flag("--all", options->all, "All models");
  which->require_option(1);
  app.add_flag("--json", options->json, "Print the service's reply as JSON");
  add_socket_option(app, options->service);
  return [options] { return run(*options); };
}

}  // namespace tandem::client

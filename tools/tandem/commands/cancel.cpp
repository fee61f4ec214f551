#include <memory>

#include <CLI/CLI.hpp>

#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/service_options.hpp"

namespace tandem::client {
namespace {

struct Options {
  ServiceOptions service;
  std::string id;
};

}  // namespace

Action add_cancel(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("id", options->id, "The job's id")->type_name("ID")->required();
  add_socket_option(app, options->service);
  return [options] {
    connect(options->service)->cancel(options->id);
    print("cancelled " + options->id);
    return kDone;
  };
}

}  // namespace tandem::client

#include "tools/tandem/command_line.hpp"

#include <exception>
#include <map>

#include <CLI/CLI.hpp>

#include "ipc/process/signals.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/job_run.hpp"

namespace tandem::client {
namespace {

bool wants_json(const CLI::App& command) {
  const CLI::Option* json = command.get_option_no_throw("--json");
  return json != nullptr && json->count() > 0;
}

int fail(const Failure& failure, int status, bool json) {
  if (const int signal = ipc::noted_stop_signal(); signal != 0) {
    print_to_stderr("tandem: interrupted");
    return kSignalled + signal;
  }
  print_error(failure);
  if (json) print_json(to_json(failure));
  return status;
}

int run_action(const Action& action, bool json) {
  try {
    return action();
  } catch (const ExitError& error) {
    return fail(error.failure(), error.status(), json);
  } catch (const Error& error) {
    return fail(error.failure(), kFailed, json);
  } catch (const std::exception& error) {
    return fail({ErrorCode::kInternal, error.what()}, kFailed, json);
  }
}

// Help and version go to standard output, and are no error.
int end_parsing(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);
  print_to_stderr(std::string("tandem: ") + error.what());
  const auto chosen = app.get_subcommands();
  const std::string command = chosen.empty() ? "" : " " + chosen.front()->get_name();
  print_to_stderr("hint: tandem" + command + " --help");
  return kUsage;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  ipc::ignore_sigpipe();
  ipc::note_stop_signals();
  CLI::App app("Tandem samples diffusion models on several devices at once.", "tandem");
  app.set_version_flag("--version", "tandem " TANDEM_VERSION);
  app.require_subcommand(1);
  std::map<const CLI::App*, Action> actions;
  for (const Command& command : kCommands) {
    CLI::App* added = app.add_subcommand(command.name, command.summary);
    actions.emplace(added, command.add(*added));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return end_parsing(app, error);
  }
  const CLI::App* chosen = app.get_subcommands().front();
  return run_action(actions.at(chosen), wants_json(*chosen));
}

}  // namespace tandem::client

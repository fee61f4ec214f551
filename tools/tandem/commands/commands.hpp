// The commands of `tandem`: one file each.
#pragma once

#include <array>
#include <functional>
#include <string_view>

#include <CLI/App.hpp>

namespace tandem::client {

// What a command does once the command line is read: returns the exit status, throws Error.
using Action = std::function<int()>;

// Each gives its options to the sub-command.
Action add_cancel(CLI::App& app);
Action add_catalog(CLI::App& app);
Action add_devices(CLI::App& app);
Action add_down(CLI::App& app);
Action add_jobs(CLI::App& app);
Action add_run(CLI::App& app);
Action add_status(CLI::App& app);
Action add_submit(CLI::App& app);
Action add_txt2img(CLI::App& app);
Action add_unload(CLI::App& app);
Action add_up(CLI::App& app);
Action add_upscale(CLI::App& app);
Action add_wait(CLI::App& app);
Action add_worker(CLI::App& app);

struct Command {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App&);
};

// THE list, in the order of the help.
inline constexpr std::array kCommands = {
    Command{"run", "Run a job, or repeat a picture that Tandem made", add_run},
    Command{"txt2img", "Make a picture from a prompt", add_txt2img},
    Command{"upscale", "Enlarge a picture with an upscale model", add_upscale},
    Command{"up", "Start a service in the background", add_up},
    Command{"down", "End the service", add_down},
    Command{"submit", "Give a job to the service and return at once", add_submit},
    Command{"wait", "Wait for a job and write its outputs", add_wait},
    Command{"cancel", "Cancel a job", add_cancel},
    Command{"jobs", "List the service's jobs", add_jobs},
    Command{"status", "Show the service, its devices and its jobs", add_status},
    Command{"devices", "Show devices and workers", add_devices},
    Command{"worker", "Add a worker, or take workers out of service and back", add_worker},
    Command{"unload", "Take models out of the workers' memory", add_unload},
    Command{"catalog", "Show what the service can run", add_catalog},
};

}  // namespace tandem::client

// The small process that stays: parent of the coordinator, which it starts again when it dies.
#pragma once

#include <functional>

#include "tools/tandem/coordinator_process.hpp"

namespace tandem::client {

inline constexpr std::chrono::seconds kShutdownGrace{10};  // before a coordinator is killed

// Runs until a signal (SIGINT, SIGTERM, SIGHUP) has ended the coordinator, and leaves no socket and
// no lock behind. `on_ready` is called once, when the first coordinator accepts. Returns the exit
// status: kDone after a signal or where the coordinator ended of itself with 0; the coordinator's
// own where the first one ended before it was ready; kFailed where the budget of restarts is spent.
int run_launcher(const CoordinatorOptions& options, const std::function<void()>& on_ready);

}  // namespace tandem::client

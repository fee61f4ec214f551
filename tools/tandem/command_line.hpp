// The whole of `tandem` but main(): reads the command line, runs the command, tells its end.
#pragma once

namespace tandem::client {

// Returns the exit status (exit_status.hpp). Throws nothing.
int run_command_line(int argc, const char* const* argv);

}  // namespace tandem::client

// One line per event on standard error. The environment's TANDEM_LOG sets the least level that is
// written: trace, debug, info (the default), warn, error or off.
#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::ipc {

// error: a job or worker failed; warn: degraded; info: one line per job phase; debug: per unit;
// trace: per frame.
enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarn, kError };

// Safe to call from any thread. Never throws; what cannot be written is lost. Control characters
// are replaced, so that a peer's text cannot start a line of its own or reach the terminal.
void log(LogLevel level, std::string_view component, std::string_view message) noexcept;

// Whether such a line would be written: for messages that are dear to build.
bool logs(LogLevel level) noexcept;

}  // namespace tandem::ipc

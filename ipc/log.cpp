#include "ipc/log.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace tandem::ipc {
namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

// from_str makes "off" of a name that it does not know, which would hide errors.
spdlog::level::level_enum level_from_environment() {
  const char* text = std::getenv("TANDEM_LOG");
  if (text == nullptr) return spdlog::level::info;
  const std::string name = text;
  const auto level = spdlog::level::from_str(name);
  return level == spdlog::level::off && name != "off" ? spdlog::level::info : level;
}

spdlog::level::level_enum least_level() {
  static const spdlog::level::level_enum level = level_from_environment();
  return level;
}

// Never freed: threads may still log while the process ends.
spdlog::sinks::sink& standard_error() {
  static spdlog::sinks::sink* const sink = [] {
    auto made = std::make_unique<spdlog::sinks::stderr_sink_mt>();
    made->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%e %-5l [%n] %v"));
    return made.release();
  }();
  return *sink;
}

std::string printable(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; }, ' ');
  return line;
}

}  // namespace

bool logs(LogLevel level) noexcept {
  return spdlog_level(level) >= least_level();
}

void log(LogLevel level, std::string_view component, std::string_view message) noexcept {
  if (!logs(level)) return;
  try {
    const std::string name = printable(component);
    const std::string line = printable(message);
    standard_error().log(spdlog::details::log_msg(name, spdlog_level(level), line));
  } catch (const std::exception&) {
    // A line that cannot be written is lost: there is nowhere to say so.
  }
}

}  // namespace tandem::ipc

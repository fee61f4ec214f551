#include "tools/tandem/progress_line.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <sys/ioctl.h>
#include <unistd.h>
#include <variant>

#include "protocol/json_text.hpp"

namespace tandem::client {
namespace {

constexpr std::size_t kUsualWidth = 80;
constexpr std::size_t kWidestBar = 40;
constexpr std::size_t kNarrowestBar = 8;

std::string rate_text(double seconds_per_step) {
  if (!(seconds_per_step > 0.0)) return "";
  std::array<char, 32> text{};
  const bool is_slow = seconds_per_step > 1.0;
  std::snprintf(text.data(), text.size(), is_slow ? "%.2f s/it" : "%.2f it/s",
                is_slow ? seconds_per_step : 1.0 / seconds_per_step);
  return text.data();
}

std::string count_text(const StepEvent& step) {
  return std::to_string(step.step) + "/" + std::to_string(step.total);
}

std::string facts_text(const StepEvent& step, std::string_view separator) {
  std::string text = count_text(step);
  const std::string rate = rate_text(step.seconds_per_step);
  if (!rate.empty()) text.append(separator).append(rate);
  if (step.step < step.total) text.append(separator) += clock_text(step.seconds_left) + " left";
  return text;
}

std::string bar_text(const StepEvent& step, std::size_t cells) {
  const double share = step.total > 0 ? static_cast<double>(step.step) / step.total : 0.0;
  const double filled = std::clamp(share, 0.0, 1.0) * static_cast<double>(cells);
  const auto full = static_cast<std::size_t>(filled);
  return "[" + std::string(full, '#') + std::string(cells - full, '-') + "]";
}

std::string lost_text(const WorkerEvent& event) {
  std::string text = "worker " + shown(event.worker) + " was lost";
  if (event.signal) text += " (signal " + std::to_string(*event.signal) + ")";
  if (event.exit) text += " (exit status " + std::to_string(*event.exit) + ")";
  if (!event.last_words.empty()) text += ": " + shown(event.last_words, 400);
  return text;
}

std::string describe(const WorkerEvent& event) {
  switch (event.what) {
    case WorkerChange::kStarted:
      return "worker " + shown(event.worker) + " started";
    case WorkerChange::kLost:
      return lost_text(event);
    case WorkerChange::kReplaced:
      return "worker " + shown(event.worker) + " was replaced";
    case WorkerChange::kRerun:
      return "a unit of worker " + shown(event.worker) + " runs again";
  }
  return {};
}

std::string phase_text(const PhaseEvent& event) {
  std::string text(name(event.phase));
  if (event.phase == Phase::kLoading) {
    text += " " + shown(std::filesystem::path(event.file).filename().string());
  }
  if (event.position.value_or(0) > 0) text += ", " + std::to_string(*event.position) + " before it";
  return text;
}

// How much of a file has been loaded.
std::string share_text(const PhaseEvent& event) {
  if (event.of == 0) return {};
  const double share = static_cast<double>(event.bytes) / static_cast<double>(event.of);
  return " " + std::to_string(std::lround(100.0 * std::min(share, 1.0))) + " %";
}

}  // namespace

std::string clock_text(double seconds) {
  constexpr double kLongest = 359999.0;  // 99:59:59
  const long whole = std::lround(std::isfinite(seconds) ? std::clamp(seconds, 0.0, kLongest) : 0.0);
  std::array<char, 32> text{};
  if (whole < 3600) {
    std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  }
  return text.data();
}

std::string progress_bar(const StepEvent& step, std::size_t width) {
  const std::string phase = "sampling ";
  const std::string facts = facts_text(step, "  ");
  const std::size_t taken = phase.size() + facts.size() + 3;
  if (width >= taken + kNarrowestBar) {
    return phase + bar_text(step, std::min(width - taken, kWidestBar)) + " " + facts;
  }
  return (phase + facts).substr(0, width);
}

void ProgressLine::show(const JobEvent& event) {
  std::visit([this](const auto& what) { show(what); }, event.event);
}

void ProgressLine::show(const PhaseEvent& event) {
  if (is_final(event.phase)) return;
  if (screen_.is_terminal) return draw(phase_text(event) + share_text(event));
  // A service repeats a phase, for instance as the bytes of a file come in.
  const std::string text = phase_text(event);
  if (std::exchange(last_phase_, text) != text) line(text);
}

void ProgressLine::show(const StepEvent& event) {
  if (screen_.is_terminal) return draw(progress_bar(event, screen_.width() - 1));
  const auto now = screen_.now();
  const bool is_due = !last_step_line_ || now - *last_step_line_ >= std::chrono::seconds(1);
  if (!is_due && event.step != event.total) return;
  last_step_line_ = now;
  line("step " + facts_text(event, ", "));
}

void ProgressLine::show(const WarningEvent& event) {
  line("warning: " + shown(event.message, 1000) + " (" + shown(event.code) + ")");
}

void ProgressLine::show(const WorkerEvent& event) {
  line(describe(event));
}

void ProgressLine::draw(const std::string& text) {
  const std::size_t width = std::max<std::size_t>(screen_.width(), 2) - 1;
  screen_.write("\r\x1b[K" + text.substr(0, width));
  is_drawing_ = true;
}

void ProgressLine::line(const std::string& text) {
  screen_.write((is_drawing_ ? "\r\x1b[K" : "") + text + "\n");
  is_drawing_ = false;
}

void ProgressLine::finish() {
  if (std::exchange(is_drawing_, false)) screen_.write("\n");
}

ProgressLine::Screen standard_error_screen() {
  return {.is_terminal = ::isatty(STDERR_FILENO) == 1,
          .width =
              [] {
                winsize size{};
                const bool is_known =
                    ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
                return is_known ? std::size_t{size.ws_col} : kUsualWidth;
              },
          .write =
              [](std::string_view text) {
                static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
                static_cast<void>(std::fflush(stderr));
              },
          .now = [] { return std::chrono::steady_clock::now(); }};
}

}  // namespace tandem::client

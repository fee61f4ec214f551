// What a job does, on standard error: a bar that is drawn over itself on a terminal, plain lines
// elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/host_event.hpp"

namespace tandem::client {

// "sampling [#####-----] 7/14  1.53 it/s  0:05 left", in at most `width` columns: what does not fit
// is left out from the right, the bar first.
std::string progress_bar(const StepEvent& step, std::size_t width);

// "1:05", "2:03:09".
std::string clock_text(double seconds);

class ProgressLine {
 public:
  struct Screen {
    bool is_terminal = false;
    std::function<std::size_t()> width;           // columns, asked before each drawing
    std::function<void(std::string_view)> write;  // gets whole lines and carriage returns
    std::function<std::chrono::steady_clock::time_point()> now;
  };

  explicit ProgressLine(Screen screen) : screen_(std::move(screen)) {}

  // Off a terminal a step gets a line at most once a second, the first and the last one always.
  void show(const JobEvent& event);

  // Ends the line that is being drawn, so that whatever follows starts on its own.
  void finish();

 private:
  void show(const PhaseEvent& event);
  void show(const StepEvent& event);
  void show(const WarningEvent& event);
  void show(const WorkerEvent& event);
  void draw(const std::string& text);  // a terminal's changing line
  void line(const std::string& text);  // one that stays

  Screen screen_;
  bool is_drawing_ = false;
  std::string last_phase_;  // that had a line
  std::optional<std::chrono::steady_clock::time_point> last_step_line_;
};

// Standard error as it is.
ProgressLine::Screen standard_error_screen();

}  // namespace tandem::client

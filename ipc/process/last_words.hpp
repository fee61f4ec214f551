// The last lines that a process wrote: what is told when it ends.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace tandem::ipc {

// Keeps the last `max_lines` lines, and of these so many that they hold at most `max_bytes`.
class LastWords {
 public:
  explicit LastWords(std::size_t max_lines = 200, std::size_t max_bytes = std::size_t{64} << 10)
      : max_lines_(max_lines), max_bytes_(max_bytes) {}

  // A line longer than all that is kept is cut.
  void add(std::string_view line);

  const std::deque<std::string>& lines() const { return lines_; }
  // The lines, with a newline between them.
  std::string text() const;

 private:
  std::size_t max_lines_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<std::string> lines_;
};

}  // namespace tandem::ipc

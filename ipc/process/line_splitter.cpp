#include "ipc/process/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace tandem::ipc {

void LineSplitter::add(std::string_view bytes, const LineHandler& on_line) {
  while (!bytes.empty()) {
    // Only now: a full line whose newline comes next is a line, not a piece of one.
    if (rest_.size() == kMaxLineBytes && bytes.front() != '\n') finish(on_line);
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::size_t taken = std::min(end, kMaxLineBytes - rest_.size());
    rest_.append(bytes.substr(0, taken));
    const bool ended = taken == end && end < bytes.size();
    bytes.remove_prefix(taken + (ended ? 1 : 0));
    if (ended) on_line(std::exchange(rest_, {}));
  }
}

void LineSplitter::finish(const LineHandler& on_line) {
  if (!rest_.empty()) on_line(std::exchange(rest_, {}));
}

}  // namespace tandem::ipc

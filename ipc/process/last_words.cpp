#include "ipc/process/last_words.hpp"

namespace tandem::ipc {

void LastWords::add(std::string_view line) {
  lines_.emplace_back(line.substr(0, max_bytes_));
  bytes_ += lines_.back().size();
  while (lines_.size() > max_lines_ || bytes_ > max_bytes_) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
  }
}

std::string LastWords::text() const {
  std::string text;
  for (const std::string& line : lines_) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

}  // namespace tandem::ipc

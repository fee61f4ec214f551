// Bytes of a pipe into lines.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace tandem::ipc {

// The line handed on is valid during the call, and has no newline.
using LineHandler = std::function<void(std::string_view line)>;

class LineSplitter {
 public:
  // Longer lines are handed on in pieces, so that a process that never ends one costs no memory.
  static constexpr std::size_t kMaxLineBytes = std::size_t{8} << 10;

  // Calls the handler for each line that ends in `bytes`; keeps the rest.
  void add(std::string_view bytes, const LineHandler& on_line);
  // Hands on what stands without a newline.
  void finish(const LineHandler& on_line);

 private:
  std::string rest_;
};

}  // namespace tandem::ipc

// What travels on a connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/fd.hpp"

namespace tandem::ipc {

// Which header of protocol/frame.hpp a connection speaks.
enum class FrameFormat : std::uint8_t { kHost, kWorker };

struct Frame {
  std::uint16_t kind = 0;  // host frames have none: 0
  std::string body;
  std::vector<Fd> fds = {};  // at most kMaxFrameFds
};

}  // namespace tandem::ipc

// Messages between coordinator and workers as the bytes of a frame's body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/worker_message.hpp"

namespace tandem {

// The body of a frame; its kind in the header is kind_of(message).
std::string encode(const ToWorker& message);
std::string encode(const FromWorker& message);

// The number in the frame's header, for logs and as a check: the alternative's index.
std::uint16_t kind_of(const ToWorker& message);
std::uint16_t kind_of(const FromWorker& message);

// Throw kBadFrame where the bytes are no such message, have bytes left over, announce more than
// they hold, or do not match the header's kind.
ToWorker decode_to_worker(std::string_view body, std::uint16_t kind);
FromWorker decode_from_worker(std::string_view body, std::uint16_t kind);

}  // namespace tandem

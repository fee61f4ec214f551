#pragma once

#include <cstring>

#include "ipc/socket/frame.hpp"
#include "protocol/error.hpp"

namespace tandem::ipc {

template <class Value>
Frame frame_of(std::uint16_t kind, const Value& value) {
  return {kind, std::string(reinterpret_cast<const char*>(&value), sizeof(value)), {}};
}

template <class Value>
Value value_of(const Frame& frame) {
  Value value;
  if (frame.body.size() != sizeof(value))
    throw Error(ErrorCode::kBadFrame, "a frame of another size");
  std::memcpy(&value, frame.body.data(), sizeof(value));
  return value;
}

}  // namespace tandem::ipc

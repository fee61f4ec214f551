#include "protocol/codec.hpp"

#include <span>

#include "protocol/serialize.hpp"

namespace tandem {
namespace {

template <class Message>
Message decode_message(std::string_view body, std::uint16_t kind) {
  auto message = decode<Message>(std::as_bytes(std::span(body)));
  if (message.index() != kind) {
    throw Error(ErrorCode::kBadFrame, "A frame's kind is " + std::to_string(kind) +
                                          ", but its message is of kind " +
                                          std::to_string(message.index()) + ".");
  }
  return message;
}

}  // namespace

std::string encode(const ToWorker& message) {
  return encode_to_string(message);
}

std::string encode(const FromWorker& message) {
  return encode_to_string(message);
}

std::uint16_t kind_of(const ToWorker& message) {
  return static_cast<std::uint16_t>(message.index());
}

std::uint16_t kind_of(const FromWorker& message) {
  return static_cast<std::uint16_t>(message.index());
}

ToWorker decode_to_worker(std::string_view body, std::uint16_t kind) {
  return decode_message<ToWorker>(body, kind);
}

FromWorker decode_from_worker(std::string_view body, std::uint16_t kind) {
  return decode_message<FromWorker>(body, kind);
}

}  // namespace tandem

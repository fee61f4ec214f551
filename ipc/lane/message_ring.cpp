#include "ipc/lane/message_ring.hpp"

#include <algorithm>
#include <cstring>

#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

struct Header {
  std::uint32_t length = 0;
  std::uint16_t kind = 0;
  std::uint16_t zero = 0;
  std::uint64_t place = 0;
};

constexpr std::size_t kAlign = 16;
static_assert(sizeof(Header) == kAlign && kRingBytes % kAlign == 0);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

std::size_t padded(std::size_t bytes) {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kBadFrame, "The other side's shared memory holds no message.");
}

}  // namespace

Put RingWriter::put(std::uint16_t kind, std::uint64_t place, std::string_view body) {
  if (body.size() > kMaxRingMessage || memory_.awake.load(std::memory_order_relaxed) == 0)
    return Put::kNo;
  const std::uint64_t used = written_ - memory_.read.load(std::memory_order_acquire);
  const std::size_t bytes = sizeof(Header) + padded(body.size());
  if (used > kRingBytes || bytes > kRingBytes - used) return Put::kNo;
  const Header header{static_cast<std::uint32_t>(body.size()), kind, 0, place};
  copy_in(&header, sizeof(header));
  copy_in(body.data(), body.size());
  written_ = padded(written_);
  // Before the look at the reader's flag, in an order that all see alike: either this side sees
  // that the reader falls asleep, or the reader sees the message.
  memory_.written.store(written_, std::memory_order_seq_cst);
  return memory_.awake.load(std::memory_order_seq_cst) == 0 ? Put::kYesWake : Put::kYes;
}

void RingWriter::copy_in(const void* from, std::size_t bytes) {
  const std::size_t at = written_ % kRingBytes;
  const std::size_t first = std::min(bytes, kRingBytes - at);
  std::memcpy(memory_.bytes + at, from, first);
  std::memcpy(memory_.bytes, static_cast<const std::byte*>(from) + first, bytes - first);
  written_ += bytes;
}

std::optional<std::uint64_t> RingReader::next_place() {
  if (place_) return place_;
  const std::uint64_t there = memory_.written.load(std::memory_order_seq_cst) - read_;
  if (there == 0) return std::nullopt;
  if (there > kRingBytes || there < sizeof(Header)) refuse();
  Header header;
  copy_out(&header, sizeof(header));
  if (header.length > kMaxRingMessage || padded(header.length) > there - sizeof(Header)) refuse();
  kind_ = header.kind;
  length_ = header.length;
  place_ = header.place;
  return place_;
}

RingMessage RingReader::take() {
  RingMessage message{kind_, *place_, std::string(length_, '\0')};
  copy_out(message.body.data(), length_);
  read_ = padded(read_);
  memory_.read.store(read_, std::memory_order_release);
  place_.reset();
  return message;
}

void RingReader::copy_out(void* to, std::size_t bytes) {
  const std::size_t at = read_ % kRingBytes;
  const std::size_t first = std::min(bytes, kRingBytes - at);
  std::memcpy(to, memory_.bytes + at, first);
  std::memcpy(static_cast<std::byte*>(to) + first, memory_.bytes, bytes - first);
  read_ += bytes;
}

void RingReader::stay_awake() {
  memory_.awake.store(1, std::memory_order_seq_cst);
}

void RingReader::fall_asleep() {
  memory_.awake.store(0, std::memory_order_seq_cst);
}

}  // namespace tandem::ipc

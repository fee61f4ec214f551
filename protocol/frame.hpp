// The 16 bytes in front of every message, as values. All numbers are little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tandem {

inline constexpr std::size_t kFrameHeaderBytes = 16;
inline constexpr std::uint16_t kFrameVersion = 1;
inline constexpr std::uint16_t kMaxFrameFds = 8;
inline constexpr std::uint32_t kMaxHostFrameBytes = 16U << 20;
inline constexpr std::uint32_t kMaxWorkerFrameBytes = 64U << 20;

using FrameHeaderBytes = std::array<std::byte, kFrameHeaderBytes>;

// Between a host and the service (docs/protocol.md): "TNDM", version u16, descriptors u16,
// length u32, 0 u32. The body is JSON.
struct HostFrameHeader {
  std::uint16_t fd_count = 0;
  std::uint32_t length = 0;  // bytes of the body

  bool operator==(const HostFrameHeader&) const = default;
};

// Between coordinator and worker: "TNDW", version u16, kind u16, length u32, descriptors u16,
// 0 u16. The body is a message of protocol/codec.hpp.
struct WorkerFrameHeader {
  std::uint16_t kind = 0;
  std::uint32_t length = 0;  // bytes of the body
  std::uint16_t fd_count = 0;

  bool operator==(const WorkerFrameHeader&) const = default;
};

// Throw kOutOfRange for a body or a number of descriptors past the limits above.
FrameHeaderBytes to_bytes(const HostFrameHeader& header);
FrameHeaderBytes to_bytes(const WorkerFrameHeader& header);

// Throw kUnsupportedVersion for another version, kBadFrame for everything else that does not fit:
// magic, limits, bytes that must be 0.
HostFrameHeader parse_host_frame_header(std::span<const std::byte, kFrameHeaderBytes> bytes);
WorkerFrameHeader parse_worker_frame_header(std::span<const std::byte, kFrameHeaderBytes> bytes);

}  // namespace tandem

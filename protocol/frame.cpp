#include "protocol/frame.hpp"

#include <string>
#include <string_view>

#include "protocol/error.hpp"

namespace tandem {
namespace {

constexpr std::string_view kHostMagic = "TNDM";
constexpr std::string_view kWorkerMagic = "TNDW";

using Bytes = std::span<const std::byte, kFrameHeaderBytes>;

template <class Number>
void put(FrameHeaderBytes& bytes, std::size_t at, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    bytes.at(at + i) = static_cast<std::byte>(value >> (8 * i));
  }
}

template <class Number>
Number get(Bytes bytes, std::size_t at) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    value = static_cast<Number>(value | std::to_integer<Number>(bytes[at + i]) << (8 * i));
  }
  return value;
}

FrameHeaderBytes start(std::string_view magic) {
  FrameHeaderBytes bytes{};
  for (std::size_t i = 0; i < magic.size(); ++i)
    bytes.at(i) = static_cast<std::byte>(magic[i]);
  put(bytes, 4, kFrameVersion);
  return bytes;
}

void check_limits(ErrorCode code, std::uint32_t length, std::uint32_t max_length,
                  std::uint16_t fd_count) {
  if (length > max_length) {
    throw Error(code, "A frame may hold up to " + std::to_string(max_length) +
                          " bytes, but this one has " + std::to_string(length) + ".");
  }
  if (fd_count > kMaxFrameFds) {
    throw Error(code, "A frame may carry up to " + std::to_string(kMaxFrameFds) +
                          " descriptors, but this one has " + std::to_string(fd_count) + ".");
  }
}

void check_start(Bytes bytes, std::string_view magic) {
  for (std::size_t i = 0; i < magic.size(); ++i) {
    if (bytes[i] != static_cast<std::byte>(magic[i])) {
      throw Error(ErrorCode::kBadFrame, "A frame starts with \"" + std::string(magic) +
                                            "\", but this one starts with other bytes.");
    }
  }
  if (const auto version = get<std::uint16_t>(bytes, 4); version != kFrameVersion) {
    throw Error(ErrorCode::kUnsupportedVersion,
                "Frames of version " + std::to_string(kFrameVersion) +
                    " are spoken here, but this one is of version " + std::to_string(version) + ".",
                "Use a client and a service of the same release.");
  }
}

void check_zero(std::uint32_t value) {
  if (value != 0) {
    throw Error(ErrorCode::kBadFrame, "The last bytes of a frame's header must be 0.");
  }
}

}  // namespace

FrameHeaderBytes to_bytes(const HostFrameHeader& header) {
  check_limits(ErrorCode::kOutOfRange, header.length, kMaxHostFrameBytes, header.fd_count);
  FrameHeaderBytes bytes = start(kHostMagic);
  put(bytes, 6, header.fd_count);
  put(bytes, 8, header.length);
  return bytes;
}

FrameHeaderBytes to_bytes(const WorkerFrameHeader& header) {
  check_limits(ErrorCode::kOutOfRange, header.length, kMaxWorkerFrameBytes, header.fd_count);
  FrameHeaderBytes bytes = start(kWorkerMagic);
  put(bytes, 6, header.kind);
  put(bytes, 8, header.length);
  put(bytes, 12, header.fd_count);
  return bytes;
}

HostFrameHeader parse_host_frame_header(Bytes bytes) {
  check_start(bytes, kHostMagic);
  const HostFrameHeader header{get<std::uint16_t>(bytes, 6), get<std::uint32_t>(bytes, 8)};
  check_limits(ErrorCode::kBadFrame, header.length, kMaxHostFrameBytes, header.fd_count);
  check_zero(get<std::uint32_t>(bytes, 12));
  return header;
}

WorkerFrameHeader parse_worker_frame_header(Bytes bytes) {
  check_start(bytes, kWorkerMagic);
  const WorkerFrameHeader header{get<std::uint16_t>(bytes, 6), get<std::uint32_t>(bytes, 8),
                                 get<std::uint16_t>(bytes, 12)};
  check_limits(ErrorCode::kBadFrame, header.length, kMaxWorkerFrameBytes, header.fd_count);
  check_zero(get<std::uint16_t>(bytes, 14));
  return header;
}

}  // namespace tandem

#include "ipc/socket/frame_io.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

constexpr std::size_t kBodyStep = std::size_t{64} << 10;

// Room for exactly the descriptors that a frame may carry: the kernel closes what comes above.
struct ControlBuffer {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxFrameFds * sizeof(int))> bytes{};
};

void collect_fds(msghdr& message, std::vector<Fd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      fds.emplace_back(number);
    }
  }
}

// Descriptors were lost. If what did come would have left room, the process has no numbers left.
[[noreturn]] void throw_truncated(std::size_t received) {
  if (received < kMaxFrameFds) {
    throw Error(ErrorCode::kResourceExhausted,
                "A frame's descriptors could not be received: this process has too many open.",
                "Raise the limit of open files (ulimit -n).");
  }
  throw Error(ErrorCode::kBadFrame,
              "A frame carries more than " + std::to_string(kMaxFrameFds) + " descriptors.");
}

FrameHeaderBytes header_of(FrameFormat format, const Frame& frame) {
  const std::size_t most = format == FrameFormat::kHost ? kMaxHostFrameBytes : kMaxWorkerFrameBytes;
  // One past the limit stands for every size that 32 bits cannot say.
  const auto length = static_cast<std::uint32_t>(std::min(frame.body.size(), most + 1));
  const auto fds = static_cast<std::uint16_t>(
      std::min<std::size_t>(frame.fds.size(), kMaxFrameFds + std::size_t{1}));
  if (format == FrameFormat::kHost) return to_bytes(HostFrameHeader{fds, length});
  return to_bytes(WorkerFrameHeader{frame.kind, length, fds});
}

void attach_fds(msghdr& message, ControlBuffer& control, const std::vector<Fd>& fds) {
  if (fds.empty()) return;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const int number = fds[i].get();
    std::memcpy(CMSG_DATA(part) + i * sizeof(int), &number, sizeof(int));
  }
}

}  // namespace

ReadResult FrameReader::read(int socket) {
  while (!complete()) {
    const bool in_header = header_bytes_ < kFrameHeaderBytes;
    if (!in_header) grow_body();
    std::byte* to = in_header ? header_.data() + header_bytes_
                              : reinterpret_cast<std::byte*>(frame_.body.data()) + body_bytes_;
    const std::size_t room =
        in_header ? kFrameHeaderBytes - header_bytes_ : frame_.body.size() - body_bytes_;
    bool would_block = false;
    const std::size_t count = read_some(socket, to, room, would_block);
    if (would_block) return ReadResult::kNothingYet;
    if (count == 0 && at_border()) return ReadResult::kEnd;
    if (count == 0) throw Error(ErrorCode::kBadFrame, "The connection ended within a frame.");
    (in_header ? header_bytes_ : body_bytes_) += count;
    if (in_header && header_bytes_ == kFrameHeaderBytes) parse_header();
  }
  return ReadResult::kFrame;
}

Frame FrameReader::take() {
  header_bytes_ = 0;
  length_ = 0;
  body_bytes_ = 0;
  return std::exchange(frame_, Frame{});
}

std::size_t FrameReader::read_some(int socket, std::byte* to, std::size_t room, bool& would_block) {
  ControlBuffer control;
  iovec part{to, room};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t count = 0;
  do {
    count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    would_block = errno == EAGAIN || errno == EWOULDBLOCK;
    // The peer closed without having read everything: an end like any other.
    if (would_block || errno == ECONNRESET) return 0;
    throw_errno("A connection could not be read");
  }
  std::vector<Fd> fds;
  collect_fds(message, fds);
  if ((message.msg_flags & MSG_CTRUNC) != 0) throw_truncated(fds.size());
  if (!fds.empty() && !at_border()) {
    throw Error(ErrorCode::kBadFrame, "A frame's descriptors must ride on its first byte.");
  }
  if (at_border()) frame_.fds = std::move(fds);
  return static_cast<std::size_t>(count);
}

void FrameReader::parse_header() {
  std::size_t announced_fds = 0;
  if (format_ == FrameFormat::kHost) {
    const HostFrameHeader header = parse_host_frame_header(header_);
    length_ = header.length;
    announced_fds = header.fd_count;
  } else {
    const WorkerFrameHeader header = parse_worker_frame_header(header_);
    length_ = header.length;
    announced_fds = header.fd_count;
    frame_.kind = header.kind;
  }
  if (frame_.fds.size() != announced_fds) {
    throw Error(ErrorCode::kBadFrame, "A frame announces " + std::to_string(announced_fds) +
                                          " descriptors, but " + std::to_string(frame_.fds.size()) +
                                          " came with it.");
  }
}

// What was announced costs the peer nothing; what came has cost it as much as us.
void FrameReader::grow_body() {
  if (body_bytes_ < frame_.body.size()) return;
  frame_.body.resize(std::min(length_, body_bytes_ + kBodyStep));
}

FrameWriter::FrameWriter(FrameFormat format, Frame frame)
    : header_(header_of(format, frame)), frame_(std::move(frame)) {}

WriteResult FrameWriter::write(int socket) {
  while (written_ < bytes()) {
    const std::size_t of_header = std::min(written_, kFrameHeaderBytes);
    const std::size_t of_body = written_ - of_header;
    std::array<iovec, 2> parts{
        iovec{header_.data() + of_header, kFrameHeaderBytes - of_header},
        iovec{frame_.body.data() + of_body, frame_.body.size() - of_body},
    };
    ControlBuffer control;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    attach_fds(message, control, frame_.fds);
    const ssize_t count = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return WriteResult::kWouldBlock;
    if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return WriteResult::kPeerGone;
    if (count < 0) throw_errno("A frame could not be sent");
    written_ += static_cast<std::size_t>(count);
    frame_.fds.clear();
  }
  return WriteResult::kDone;
}

}  // namespace tandem::ipc

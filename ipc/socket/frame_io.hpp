// One frame at a time between memory and a Unix stream socket, without ever waiting; connections
// are built on it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ipc/socket/frame.hpp"
#include "protocol/frame.hpp"

namespace tandem::ipc {

enum class ReadResult : std::uint8_t { kFrame, kNothingYet, kEnd };
enum class WriteResult : std::uint8_t { kDone, kWouldBlock, kPeerGone };

// Never reads past the end of a frame, so that descriptors belong to the frame they came with.
class FrameReader {
 public:
  explicit FrameReader(FrameFormat format) : format_(format) {}

  // Goes on with the frame at hand: kFrame once it is complete (then take() it), kEnd where the
  // peer ended between frames. The body's memory grows with the bytes that came. Throws kBadFrame
  // (header, descriptors that are too many, late or not as announced, an end within a frame),
  // kUnsupportedVersion, or kResourceExhausted where this process has no descriptor left for what
  // came. After an error the stream is lost.
  ReadResult read(int socket);

  // The complete frame; the reader starts on the next.
  Frame take();

 private:
  std::size_t read_some(int socket, std::byte* to, std::size_t room, bool& would_block);
  void parse_header();
  void grow_body();
  bool at_border() const { return header_bytes_ == 0; }
  bool complete() const { return header_bytes_ == kFrameHeaderBytes && body_bytes_ == length_; }

  FrameFormat format_;
  FrameHeaderBytes header_{};
  std::size_t header_bytes_ = 0;  // that have come
  std::size_t length_ = 0;        // announced
  std::size_t body_bytes_ = 0;    // that have come
  Frame frame_;
};

class FrameWriter {
 public:
  // Throws kOutOfRange for a frame past the format's limits.
  FrameWriter(FrameFormat format, Frame frame);

  // Goes on with the frame. The descriptors go with its first byte and are closed here afterwards.
  // Throws kResourceExhausted or kInternal.
  WriteResult write(int socket);

  std::size_t bytes() const { return kFrameHeaderBytes + frame_.body.size(); }

 private:
  FrameHeaderBytes header_;
  Frame frame_;
  std::size_t written_ = 0;
};

}  // namespace tandem::ipc

#include "ipc/socket/frame_io.hpp"

#include <cstring>
#include <fcntl.h>
#include <random>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <gtest/gtest.h>

#include "tests/ipc/support.hpp"

namespace tandem::ipc {
namespace {

Fd open_null() {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

std::vector<Fd> some_fds(std::size_t count) {
  std::vector<Fd> fds;
  for (std::size_t i = 0; i < count; ++i)
    fds.push_back(open_null());
  return fds;
}

std::string text(const FrameHeaderBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What a peer that does not keep to the rules sends.
void send_raw(const Fd& socket, const std::string& bytes, const std::vector<Fd>& fds = {}) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(64 * sizeof(int))> control{};
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    for (std::size_t i = 0; i < fds.size(); ++i) {
      const int number = fds[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof(int), &number, sizeof(int));
    }
  }
  ASSERT_EQ(::sendmsg(socket.get(), &message, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

class FrameIo : public testing::Test {
 protected:
  FrameIo() {
    auto pair = socket_pair();
    here_ = std::move(pair.first);
    there_ = std::move(pair.second);
  }

  void write(FrameFormat format, Frame frame) {
    FrameWriter writer(format, std::move(frame));
    ASSERT_EQ(writer.write(there_.get()), WriteResult::kDone);
  }

  // What reading to the end of what is there throws.
  std::optional<ErrorCode> refusal(FrameFormat format = FrameFormat::kHost) {
    return thrown_by([&] {
      FrameReader reader(format);
      while (reader.read(here_.get()) == ReadResult::kFrame)
        reader.take();
    });
  }

  Fd here_;
  Fd there_;
};

TEST_F(FrameIo, CarriesFramesInOrder) {
  FrameReader reader(FrameFormat::kWorker);
  EXPECT_EQ(reader.read(here_.get()), ReadResult::kNothingYet);
  write(FrameFormat::kWorker, {7, "first"});
  write(FrameFormat::kWorker, {8, ""});
  write(FrameFormat::kWorker, {9, std::string(70000, 'x')});
  ASSERT_EQ(reader.read(here_.get()), ReadResult::kFrame);
  Frame frame = reader.take();
  EXPECT_EQ(frame.kind, 7);
  EXPECT_EQ(frame.body, "first");
  ASSERT_EQ(reader.read(here_.get()), ReadResult::kFrame);
  frame = reader.take();
  EXPECT_EQ(frame.kind, 8);
  EXPECT_EQ(frame.body, "");
  ASSERT_EQ(reader.read(here_.get()), ReadResult::kFrame);
  EXPECT_EQ(reader.take().body, std::string(70000, 'x'));
  there_.reset();
  EXPECT_EQ(reader.read(here_.get()), ReadResult::kEnd);
}

TEST_F(FrameIo, KeepsDescriptorsWithTheirFrame) {
  for (const std::size_t count : {0U, 3U, 8U, 1U}) {
    write(FrameFormat::kHost, {0, "{}", some_fds(count)});
  }
  FrameReader reader(FrameFormat::kHost);
  const Fd null = open_null();
  for (const std::size_t count : {0U, 3U, 8U, 1U}) {
    ASSERT_EQ(reader.read(here_.get()), ReadResult::kFrame);
    const Frame frame = reader.take();
    ASSERT_EQ(frame.fds.size(), count);
    for (const Fd& fd : frame.fds) {
      EXPECT_TRUE(same_file(fd, null));
      EXPECT_EQ(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
  }
}

TEST_F(FrameIo, TakesAFrameByteByByte) {
  const std::string bytes = text(to_bytes(HostFrameHeader{1, 5})) + "hello";
  FrameReader reader(FrameFormat::kHost);
  send_raw(there_, bytes.substr(0, 1), some_fds(1));
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    ASSERT_EQ(reader.read(here_.get()), ReadResult::kNothingYet) << i;
    send_raw(there_, bytes.substr(i, 1));
  }
  ASSERT_EQ(reader.read(here_.get()), ReadResult::kFrame);
  const Frame frame = reader.take();
  EXPECT_EQ(frame.body, "hello");
  EXPECT_EQ(frame.fds.size(), 1U);
}

TEST_F(FrameIo, GoesOnWithAFrameThatDidNotFit) {
  const std::string body(std::size_t{5} << 20, 'y');
  FrameWriter writer(FrameFormat::kWorker, {1, body, some_fds(2)});
  FrameReader reader(FrameFormat::kWorker);
  EXPECT_EQ(writer.write(there_.get()), WriteResult::kWouldBlock);
  int turns = 0;
  while (reader.read(here_.get()) != ReadResult::kFrame) {
    ASSERT_LT(++turns, 10000);
    ASSERT_NE(writer.write(there_.get()), WriteResult::kPeerGone);
  }
  const Frame frame = reader.take();
  EXPECT_EQ(frame.body, body);
  EXPECT_EQ(frame.fds.size(), 2U);
  EXPECT_GT(turns, 1);
}

TEST_F(FrameIo, RefusesToSendPastTheLimits) {
  EXPECT_EQ(thrown_by([] {
              FrameWriter(FrameFormat::kHost, {0, std::string(kMaxHostFrameBytes + 1, ' ')});
            }),
            ErrorCode::kOutOfRange);
  EXPECT_EQ(thrown_by([] {
              FrameWriter(FrameFormat::kHost, {0, "{}", some_fds(9)});
            }),
            ErrorCode::kOutOfRange);
}

TEST_F(FrameIo, RefusesBadHeaders) {
  send_raw(there_, "GET / HTTP/1.1\r\n");
  EXPECT_EQ(refusal(), ErrorCode::kBadFrame);
  std::string future = text(to_bytes(HostFrameHeader{}));
  future[4] = 2;
  auto pair = socket_pair();
  here_ = std::move(pair.first);
  send_raw(pair.second, future);
  EXPECT_EQ(refusal(), ErrorCode::kUnsupportedVersion);
}

TEST_F(FrameIo, RefusesAnAnnouncedSizeBeforeItComes) {
  std::string header = text(to_bytes(HostFrameHeader{0, kMaxHostFrameBytes}));
  header[8] = 1;
  send_raw(there_, header);
  EXPECT_EQ(refusal(), ErrorCode::kBadFrame);
}

TEST_F(FrameIo, RefusesAnEndWithinAFrame) {
  const std::string bytes = text(to_bytes(HostFrameHeader{0, 5})) + "hello";
  for (std::size_t length = 1; length < bytes.size(); ++length) {
    auto pair = socket_pair();
    here_ = std::move(pair.first);
    send_raw(pair.second, bytes.substr(0, length));
    pair.second.reset();
    EXPECT_EQ(refusal(), ErrorCode::kBadFrame) << length;
  }
}

TEST_F(FrameIo, RefusesAnotherNumberOfDescriptors) {
  const std::size_t before = open_descriptors();
  for (const auto& [announced, sent] : {std::pair{2, 1}, {0, 1}, {1, 0}, {1, 8}}) {
    auto pair = socket_pair();
    here_ = std::move(pair.first);
    const HostFrameHeader header{static_cast<std::uint16_t>(announced), 0};
    send_raw(pair.second, text(to_bytes(header)), some_fds(static_cast<std::size_t>(sent)));
    EXPECT_EQ(refusal(), ErrorCode::kBadFrame) << announced << " " << sent;
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FrameIo, ClosesSurplusDescriptors) {
  const std::size_t before = open_descriptors();
  send_raw(there_, text(to_bytes(HostFrameHeader{8, 0})), some_fds(60));
  EXPECT_EQ(refusal(), ErrorCode::kBadFrame);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FrameIo, RefusesDescriptorsInTheMiddle) {
  const std::size_t before = open_descriptors();
  FrameReader reader(FrameFormat::kHost);
  const std::string bytes = text(to_bytes(HostFrameHeader{1, 5}));
  send_raw(there_, bytes.substr(0, 4));
  EXPECT_EQ(reader.read(here_.get()), ReadResult::kNothingYet);
  send_raw(there_, bytes.substr(4) + "hello", some_fds(1));
  EXPECT_EQ(thrown_by([&] { reader.read(here_.get()); }), ErrorCode::kBadFrame);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(FrameIo, TellsItsOwnShortageFromABadFrame) {
  send_raw(there_, text(to_bytes(HostFrameHeader{2, 0})), some_fds(2));
  FrameReader reader(FrameFormat::kHost);
  const int socket = here_.get();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = open_null().get();
  const rlimit one_more{static_cast<rlim_t>(next) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &one_more);
  // Nothing but the reader: the undefined-behaviour sanitizer itself opens descriptors.
  const auto code = thrown_by([&reader, socket] { reader.read(socket); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(code, ErrorCode::kResourceExhausted);
}

TEST_F(FrameIo, SeesThatThePeerHasGone) {
  write(FrameFormat::kHost, {0, "unread"});
  here_.reset();
  FrameWriter writer(FrameFormat::kHost, {0, "{}", some_fds(1)});
  EXPECT_EQ(writer.write(there_.get()), WriteResult::kPeerGone);
}

// A peer that closes with something unread resets the connection: an end between frames.
TEST_F(FrameIo, TakesAResetForAnEnd) {
  FrameWriter writer(FrameFormat::kHost, {0, "unread by the peer"});
  ASSERT_EQ(writer.write(here_.get()), WriteResult::kDone);
  there_.reset();
  FrameReader reader(FrameFormat::kHost);
  EXPECT_EQ(reader.read(here_.get()), ReadResult::kEnd);
}

// Random bytes, some of them after a valid start: frames or an Error, nothing else.
TEST_F(FrameIo, SurvivesNoise) {
  std::mt19937 random(4);
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 3000; ++i) {
    auto pair = socket_pair();
    std::string bytes = text(to_bytes(HostFrameHeader{static_cast<std::uint16_t>(random() % 3),
                                                      static_cast<std::uint32_t>(random() % 64)}));
    for (unsigned more = random() % 100; more > 0; --more)
      bytes += static_cast<char>(random());
    if (random() % 2 == 0) bytes[random() % bytes.size()] = static_cast<char>(random());
    send_raw(pair.second, bytes, some_fds(random() % 3));
    pair.second.reset();
    FrameReader reader(FrameFormat::kHost);
    try {
      while (reader.read(pair.first.get()) == ReadResult::kFrame) {
        EXPECT_LE(reader.take().body.size(), bytes.size());
      }
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kBadFrame ||
                  error.code() == ErrorCode::kUnsupportedVersion);
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace tandem::ipc

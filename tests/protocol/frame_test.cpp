#include "protocol/frame.hpp"

#include <random>

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem {
namespace {

FrameHeaderBytes bytes_of(std::initializer_list<int> values) {
  FrameHeaderBytes bytes{};
  std::size_t at = 0;
  for (const int value : values)
    bytes.at(at++) = static_cast<std::byte>(value);
  return bytes;
}

template <class Parse>
ErrorCode code_of(Parse parse, const FrameHeaderBytes& bytes) {
  try {
    parse(bytes);
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "the header was accepted";
  return ErrorCode::kInternal;
}

const auto kHost = bytes_of({'T', 'N', 'D', 'M', 1, 0, 2, 0, 0x78, 0x56, 0x34, 0, 0, 0, 0, 0});
const auto kWorker = bytes_of({'T', 'N', 'D', 'W', 1, 0, 7, 3, 0x78, 0x56, 0x34, 0x01, 8, 0, 0, 0});

TEST(HostFrameHeader, IsTheBytesOfTheProtocol) {
  EXPECT_EQ(to_bytes(HostFrameHeader{2, 0x345678}), kHost);
  EXPECT_EQ(parse_host_frame_header(kHost), (HostFrameHeader{2, 0x345678}));
}

TEST(WorkerFrameHeader, IsTheBytesOfTheProtocol) {
  EXPECT_EQ(to_bytes(WorkerFrameHeader{0x307, 0x01345678, 8}), kWorker);
  EXPECT_EQ(parse_worker_frame_header(kWorker), (WorkerFrameHeader{0x307, 0x01345678, 8}));
}

TEST(HostFrameHeader, RefusesWhatDoesNotFit) {
  const auto with = [](std::size_t at, int value) {
    FrameHeaderBytes bytes = kHost;
    bytes.at(at) = static_cast<std::byte>(value);
    return bytes;
  };
  for (const std::size_t at : {0U, 1U, 2U, 3U}) {
    EXPECT_EQ(code_of(parse_host_frame_header, with(at, 'x')), ErrorCode::kBadFrame) << at;
  }
  EXPECT_EQ(code_of(parse_host_frame_header, with(4, 2)), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(code_of(parse_host_frame_header, with(5, 1)), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(code_of(parse_host_frame_header, with(6, 9)), ErrorCode::kBadFrame);
  EXPECT_EQ(code_of(parse_host_frame_header, with(7, 1)), ErrorCode::kBadFrame);
  EXPECT_EQ(code_of(parse_host_frame_header, with(11, 1)), ErrorCode::kBadFrame);
  for (const std::size_t at : {12U, 13U, 14U, 15U}) {
    EXPECT_EQ(code_of(parse_host_frame_header, with(at, 1)), ErrorCode::kBadFrame) << at;
  }
  EXPECT_EQ(code_of(parse_host_frame_header, kWorker), ErrorCode::kBadFrame);
}

TEST(WorkerFrameHeader, RefusesWhatDoesNotFit) {
  const auto with = [](std::size_t at, int value) {
    FrameHeaderBytes bytes = kWorker;
    bytes.at(at) = static_cast<std::byte>(value);
    return bytes;
  };
  EXPECT_EQ(code_of(parse_worker_frame_header, with(3, 'M')), ErrorCode::kBadFrame);
  EXPECT_EQ(code_of(parse_worker_frame_header, with(4, 0)), ErrorCode::kUnsupportedVersion);
  EXPECT_EQ(code_of(parse_worker_frame_header, with(11, 5)), ErrorCode::kBadFrame);
  EXPECT_EQ(code_of(parse_worker_frame_header, with(12, 9)), ErrorCode::kBadFrame);
  EXPECT_EQ(code_of(parse_worker_frame_header, with(14, 1)), ErrorCode::kBadFrame);
}

TEST(FrameHeaders, HaveLimitsThatAreStillAllowed) {
  const HostFrameHeader host{kMaxFrameFds, kMaxHostFrameBytes};
  EXPECT_EQ(parse_host_frame_header(to_bytes(host)), host);
  const WorkerFrameHeader worker{0xffff, kMaxWorkerFrameBytes, kMaxFrameFds};
  EXPECT_EQ(parse_worker_frame_header(to_bytes(worker)), worker);
  EXPECT_THROW(to_bytes(HostFrameHeader{0, kMaxHostFrameBytes + 1}), Error);
  EXPECT_THROW(to_bytes(HostFrameHeader{kMaxFrameFds + 1, 0}), Error);
  EXPECT_THROW(to_bytes(WorkerFrameHeader{0, kMaxWorkerFrameBytes + 1, 0}), Error);
}

// Whatever the bytes: a header that is within the limits and writes the same bytes, or an Error.
TEST(FrameHeaders, ParseAnyBytesOrRefuseThem) {
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 50000; ++i) {
    FrameHeaderBytes bytes = i % 2 == 0 ? kHost : kWorker;
    for (unsigned flips = random() % 4; flips > 0; --flips) {
      bytes.at(random() % bytes.size()) = static_cast<std::byte>(random());
    }
    try {
      if (i % 2 == 0) {
        EXPECT_EQ(to_bytes(parse_host_frame_header(bytes)), bytes);
      } else {
        EXPECT_EQ(to_bytes(parse_worker_frame_header(bytes)), bytes);
      }
      ++accepted;
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kBadFrame ||
                  error.code() == ErrorCode::kUnsupportedVersion);
    }
  }
  EXPECT_GT(accepted, 12500);
  EXPECT_LT(accepted, 37500);
}

}  // namespace
}  // namespace tandem

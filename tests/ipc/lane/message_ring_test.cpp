#include "ipc/lane/message_ring.hpp"

#include <cstring>
#include <memory>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

class MessageRing : public testing::Test {
 protected:
  std::unique_ptr<RingMemory> memory_ = std::make_unique<RingMemory>();
  RingWriter writer_{*memory_};
  RingReader reader_{*memory_};
};

TEST_F(MessageRing, TakesNothingForASleepingReader) {
  EXPECT_EQ(writer_.put(1, 0, "a"), Put::kNo);
  reader_.stay_awake();
  EXPECT_EQ(writer_.put(1, 0, "a"), Put::kYes);
  reader_.fall_asleep();
  EXPECT_EQ(writer_.put(1, 0, "b"), Put::kNo);
  ASSERT_EQ(reader_.next_place(), 0U);
  EXPECT_EQ(reader_.take().body, "a");
  EXPECT_EQ(reader_.next_place(), std::nullopt);
}

TEST_F(MessageRing, KeepsKindPlaceAndBytes) {
  reader_.stay_awake();
  const std::string body("\0with\0zeros", 11);
  ASSERT_EQ(writer_.put(7, 123456789012, body), Put::kYes);
  ASSERT_EQ(reader_.next_place(), 123456789012U);
  const RingMessage message = reader_.take();
  EXPECT_EQ(message.kind, 7);
  EXPECT_EQ(message.place, 123456789012U);
  EXPECT_EQ(message.body, body);
}

TEST_F(MessageRing, IsFullAndGoesRoundItsEnd) {
  reader_.stay_awake();
  EXPECT_EQ(writer_.put(1, 0, std::string(kMaxRingMessage + 1, 'x')), Put::kNo);
  for (int round = 0; round < 20; ++round) {
    int put = 0;
    while (writer_.put(1, 0, std::string(kMaxRingMessage - 5, static_cast<char>(put))) == Put::kYes)
      ++put;
    ASSERT_EQ(put, 3);
    for (int i = 0; i < put; ++i) {
      ASSERT_TRUE(reader_.next_place());
      ASSERT_EQ(reader_.take().body, std::string(kMaxRingMessage - 5, static_cast<char>(i)));
    }
    ASSERT_FALSE(reader_.next_place());
  }
}

TEST_F(MessageRing, CarriesEverythingBetweenTwoThreads) {
  reader_.stay_awake();
  constexpr std::uint64_t kMessages = 20000;
  std::jthread writing([this] {
    std::mt19937 random(1);
    for (std::uint64_t i = 0; i < kMessages; ++i) {
      const std::string body(random() % 3000, static_cast<char>(i));
      while (writer_.put(static_cast<std::uint16_t>(i), i, body) == Put::kNo)
        std::this_thread::yield();
    }
  });
  std::mt19937 random(1);
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    while (!reader_.next_place())
      std::this_thread::yield();
    const RingMessage message = reader_.take();
    ASSERT_EQ(message.place, i);
    ASSERT_EQ(message.kind, static_cast<std::uint16_t>(i));
    ASSERT_EQ(message.body, std::string(random() % 3000, static_cast<char>(i)));
  }
}

TEST_F(MessageRing, StopsWritingWhereTheReaderClaimsWhatItCannotHaveRead) {
  reader_.stay_awake();
  memory_->read = 1;
  EXPECT_EQ(writer_.put(1, 0, "a"), Put::kNo);
}

// Whatever a process that went wrong leaves there, it is a message within the ring or an error.
TEST_F(MessageRing, RefusesWhatIsNoMessage) {
  std::mt19937_64 random(5);
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    for (std::size_t i = 0; i + 8 <= 4096; i += 8) {
      const std::uint64_t noise = random() >> (random() % 64);
      std::memcpy(memory_->bytes + i, &noise, 8);
    }
    memory_->written = random() >> (random() % 64);
    RingReader reader(*memory_);
    try {
      for (int i = 0; i < 300 && reader.next_place(); ++i)
        EXPECT_LE(reader.take().body.size(), kMaxRingMessage);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadFrame);
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace tandem::ipc

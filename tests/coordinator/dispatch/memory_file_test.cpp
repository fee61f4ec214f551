#include "coordinator/dispatch/memory_file.hpp"

#include <gtest/gtest.h>

#include "ipc/memory/memfd.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::coordinator {
namespace {

TEST(MemoryFile, HoldsTheTensorsUnderTheirNames) {
  const std::vector<float> numbers = {1.0F, 2.0F, 3.0F};
  const std::vector<NamedBytes> tensors = {
      {"a", {DType::kF32, {3}}, std::as_bytes(std::span(numbers))},
      {"b", {DType::kF32, {1, 2}}, std::as_bytes(std::span(numbers).first(2))},
      {"empty", {DType::kF32, {0}}, {}}};
  const auto file = make_memory_file("some.", tensors);
  EXPECT_EQ(file->tensors, (std::vector<std::string>{"a", "b", "empty"}));
  EXPECT_EQ(file->stamp.path, "some.");
  const auto region = ipc::map_peer_content(file->fd, 1 << 20);
  ASSERT_EQ(region.get_size(), file->stamp.bytes);
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(region.get_address()),
                                         region.get_size());
  const SafetensorsHeader header = parse_safetensors_header(bytes, bytes.size(), "some.");
  ASSERT_NE(header.find("b"), nullptr);
  EXPECT_EQ(header.find("b")->layout, tensors[1].layout);
  const auto* b =
      reinterpret_cast<const float*>(bytes.data() + header.data_offset + header.find("b")->begin);
  EXPECT_EQ(b[1], 2.0F);
}

TEST(MemoryFile, NoTwoHaveTheSameStamp) {
  const NamedBytes tensor{"a", {DType::kF32, {0}}, {}};
  EXPECT_NE(make_memory_file("x", {&tensor, 1})->stamp, make_memory_file("x", {&tensor, 1})->stamp);
}

}  // namespace
}  // namespace tandem::coordinator

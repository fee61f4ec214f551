#include "coordinator/execution/result_file.hpp"

#include <cstring>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ipc/memory/memfd.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::coordinator {
namespace {

TEST(ResultFile, HoldsTheTensorsAsASealedSafetensorsFile) {
  const at::Tensor image = at::rand({1, 2, 3, 3});
  const ResultFile file = make_result_file({{"samples", at::ones({2, 2}).t()}, {"image", image}});
  const auto region = ipc::map_peer_content(file.fd, 1 << 20);
  ASSERT_EQ(region.get_size(), file.bytes);
  const std::span bytes(static_cast<const std::byte*>(region.get_address()), region.get_size());
  const SafetensorsHeader header = parse_safetensors_header(bytes, bytes.size(), "result");
  EXPECT_EQ(header.data_offset % 64, 0U);
  ASSERT_EQ(header.tensors.size(), 2U);
  const SafetensorsEntry& entry = header.tensors.at("image");
  EXPECT_EQ(entry.layout, (TensorLayout{DType::kF32, {1, 2, 3, 3}}));
  EXPECT_EQ(std::memcmp(bytes.data() + header.data_offset + entry.begin, image.const_data_ptr(),
                        image.nbytes()),
            0);
}

}  // namespace
}  // namespace tandem::coordinator

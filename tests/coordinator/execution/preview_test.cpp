#include "coordinator/execution/preview.hpp"

#include <cstring>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ipc/memory/memfd.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::coordinator {
namespace {

class PreviewTest : public ::testing::Test {
 protected:
  void make(const at::Tensor& denoised, const models::LatentColours& colours) {
    const ResultFile file = make_preview(denoised, colours);
    const auto region = ipc::map_peer_content(file.fd, 1 << 20);
    const auto* begin = static_cast<const std::byte*>(region.get_address());
    bytes_.assign(begin, begin + region.get_size());
    header_ = parse_safetensors_header(bytes_, bytes_.size(), "preview");
  }

  std::vector<int> pixels() const {
    const SafetensorsEntry& entry = header_.tensors.at("preview");
    std::vector<int> values;
    for (std::uint64_t i = entry.begin; i < entry.end; ++i)
      values.push_back(std::to_integer<int>(bytes_[header_.data_offset + i]));
    return values;
  }

  std::vector<std::byte> bytes_;
  SafetensorsHeader header_;
};

// One cell of the value 1 in each channel: 255 * ((sum of a column + bias) / 2 + 1 / 2), cut.
TEST_F(PreviewTest, ColoursAreTheFamilysSum) {
  make(at::ones({2, 4, 1, 1}), models::sd15_colours());
  EXPECT_EQ(header_.tensors.at("preview").layout, (TensorLayout{DType::kU8, {1, 1, 3}}));
  EXPECT_EQ(pixels(), (std::vector<int>{150, 209, 141}));
  make(at::ones({1, 4, 1, 1}), models::sdxl_colours());
  EXPECT_EQ(pixels(), (std::vector<int>{128, 161, 163}));
}

TEST_F(PreviewTest, CellsKeepTheirPlaces) {
  at::Tensor latent = at::zeros({1, 4, 2, 3});
  latent[0][0][1][2] = 100.0;
  make(latent, models::sd15_colours());
  std::vector<int> expected(18, 127);
  for (int i = 15; i < 18; ++i)
    expected[static_cast<std::size_t>(i)] = 255;
  EXPECT_EQ(header_.tensors.at("preview").layout, (TensorLayout{DType::kU8, {2, 3, 3}}));
  EXPECT_EQ(pixels(), expected);
}

TEST_F(PreviewTest, TheLatentIsWholeAndInHalfPrecision) {
  make(at::zeros({2, 4, 3, 8, 8}), models::sd15_colours());
  EXPECT_EQ(header_.tensors.at("x0").layout, (TensorLayout{DType::kF16, {2, 4, 3, 8, 8}}));
  EXPECT_EQ(header_.tensors.at("preview").layout, (TensorLayout{DType::kU8, {8, 8, 3}}));
}

TEST_F(PreviewTest, WithoutColoursThereIsTheLatentAlone) {
  make(at::zeros({1, 16, 8, 8}), models::sd15_colours());
  EXPECT_EQ(header_.tensors.size(), 1U);
}

}  // namespace
}  // namespace tandem::coordinator

#include "models/tensor/tensor_view.hpp"

#include <memory>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

TEST(TensorView, TypesGoThereAndBack) {
  for (int i = 0; i <= static_cast<int>(DType::kF8E5M2); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_of(scalar_type_of(dtype)), dtype);
    EXPECT_EQ(c10::elementSize(scalar_type_of(dtype)), size_of(dtype));
  }
  EXPECT_THROW(dtype_of(at::kComplexFloat), Error);
}

TEST(TensorView, SharesTheBytesAndHoldsTheirOwner) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4, 5, 6});
  const std::weak_ptr<std::vector<float>> watched = owner;
  at::Tensor view = tensor_view({DType::kF32, {2, 3}}, owner->data(), owner);
  EXPECT_EQ(view.const_data_ptr(), owner->data());
  EXPECT_EQ(layout_of(view), (TensorLayout{DType::kF32, {2, 3}}));
  at::Tensor row = view[1];
  view.reset();
  owner.reset();
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(row[2].item<float>(), 6);
  row.reset();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace tandem::models

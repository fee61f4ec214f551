#include "models/tensor/repeat_to_batch.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::models {
namespace {

TEST(RepeatToBatch, RepeatsCyclicallyAndCuts) {
  const at::Tensor rows = at::tensor({1, 2, 3});
  EXPECT_TRUE(at::equal(repeat_to_batch(rows, 7), at::tensor({1, 2, 3, 1, 2, 3, 1})));
  EXPECT_TRUE(at::equal(repeat_to_batch(rows, 2), at::tensor({1, 2})));
  EXPECT_TRUE(at::equal(repeat_to_batch(rows, 3), rows));
}

}  // namespace
}  // namespace tandem::models

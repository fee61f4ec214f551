#include "coordinator/dispatch/unit_shape.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

TensorHandle latent(std::int64_t height) {
  return SharedMemoryTensor{{DType::kF32, {1, 4, height, 64}}, SegmentId{1}, 0};
}

TEST(UnitShape, NamesWhatTheWorkDependsOn) {
  const Denoise unit{ModelId{3}, {}, latent(64), 1.0F, {ConstantId{1}, ConstantId{2}}};
  EXPECT_EQ(shape_of(unit), "denoise m3 2 (1,4,64,64)");
}

TEST(UnitShape, NumbersDoNotCountAndSizesDo) {
  const Denoise unit{ModelId{3}, {}, latent(64), 1.0F, {ConstantId{1}}};
  Denoise later = unit;
  later.sigma = 0.5F;
  later.conds = {ConstantId{7}};
  EXPECT_EQ(shape_of(unit), shape_of(later));
  Denoise larger = unit;
  larger.x = latent(96);
  EXPECT_NE(shape_of(unit), shape_of(larger));
  EXPECT_NE(shape_of(unit), shape_of(DecodeLatent{ModelId{3}, latent(64)}));
}

TEST(UnitShape, APluginsWorkDependsOnItsKindAndInputs) {
  const PluginUnit unit{"p", "sharpen", "{}", {{"a", latent(64)}, {"b", latent(8)}}, {}};
  EXPECT_EQ(shape_of(unit), "plugin m0 p sharpen (1,4,64,64) (1,4,8,64)");
}

}  // namespace
}  // namespace tandem::coordinator

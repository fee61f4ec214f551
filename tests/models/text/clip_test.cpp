#include "models/text/clip.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/models/text/tiny_clip.hpp"

namespace tandem::models {
namespace {

ClipTextModel tiny_clip(ClipLayout layout = ClipLayout::kTransformers) {
  return {Weights(tiny_clip_tensors(layout)), tiny_clip_config(layout)};
}

at::Tensor ids_with_end_at(std::int64_t place) {
  at::Tensor ids = at::arange(77, at::kLong).unsqueeze(0);
  ids.select(1, place).fill_(49407);
  return ids;
}

template <class Call>
void expect_error(ErrorCode code, Call call) {
  try {
    call();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
  }
}

TEST(ClipTextModel, GivesTheSameForBothLayouts) {
  const at::Tensor ids = ids_with_end_at(5);
  const auto transformers = tiny_clip(ClipLayout::kTransformers)(ids, {});
  const auto open_clip = tiny_clip(ClipLayout::kOpenClip)(ids, {});
  EXPECT_TRUE(at::allclose(transformers.hidden, open_clip.hidden, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(*tiny_clip(ClipLayout::kTransformers).project(transformers.pooled),
                           *tiny_clip(ClipLayout::kOpenClip).project(open_clip.pooled), 1e-4,
                           1e-4));
}

TEST(ClipTextModel, IsCausal) {
  const ClipTextModel model = tiny_clip();
  at::Tensor ids = ids_with_end_at(5);
  const at::Tensor before = model(ids, {}).hidden;
  ids.select(1, 40).fill_(7);
  const at::Tensor after = model(ids, {}).hidden;
  EXPECT_TRUE(at::allclose(before.narrow(1, 0, 40), after.narrow(1, 0, 40), 0.0, 1e-6));
  EXPECT_FALSE(at::allclose(before.narrow(1, 40, 37), after.narrow(1, 40, 37), 0.0, 1e-3));
}

TEST(ClipTextModel, PoolsAtTheFirstEndOrTheLastToken) {
  const ClipTextModel model = tiny_clip();
  at::Tensor ids = ids_with_end_at(5);
  ids.select(1, 9).fill_(49407);
  const auto first = model(ids, {});
  EXPECT_TRUE(first.pooled.equal(first.hidden.select(1, 5)));
  const auto none = model(at::arange(77, at::kLong).unsqueeze(0), {});
  EXPECT_TRUE(none.pooled.equal(none.hidden.select(1, 76)));
}

TEST(ClipTextModel, PicksTheLayer) {
  const ClipTextModel model = tiny_clip();
  const at::Tensor ids = ids_with_end_at(5);
  const at::Tensor last = model(ids, {}).hidden;
  EXPECT_TRUE(model(ids, {-1, true}).hidden.equal(last));
  EXPECT_FALSE(model(ids, {-1, false}).hidden.allclose(last));
  EXPECT_FALSE(model(ids, {-2, true}).hidden.allclose(last));
  // Beyond the first block: the last one, normalised whatever was asked for.
  EXPECT_TRUE(model(ids, {-3, false}).hidden.equal(last));
  EXPECT_TRUE(model(ids, {-2, true}).pooled.equal(last.select(1, 5)));
}

TEST(ClipTextModel, RefusesIdsThatItCannotTake) {
  const ClipTextModel model = tiny_clip();
  expect_error(ErrorCode::kBadShape, [&] { model(at::zeros({1, 76}, at::kLong), {}); });
  expect_error(ErrorCode::kOutOfRange, [&] { model(at::full({1, 77}, 49408, at::kLong), {}); });
  expect_error(ErrorCode::kOutOfRange, [&] { model(at::full({1, 77}, -1, at::kLong), {}); });
}

TEST(ClipTextModel, NamesWhatTheCheckpointLacks) {
  TensorMap tensors = tiny_clip_tensors(ClipLayout::kTransformers);
  tensors.erase("text_model.encoder.layers.1.self_attn.k_proj.weight");
  const ClipConfig config = tiny_clip_config(ClipLayout::kTransformers);
  expect_error(ErrorCode::kMissingTensor, [&] { ClipTextModel(Weights(tensors), config); });
}

TEST(ClipTextModel, RefusesOtherSizes) {
  ClipConfig config = tiny_clip_config(ClipLayout::kOpenClip);
  config.hidden_size = 16;
  const Weights weights(tiny_clip_tensors(ClipLayout::kOpenClip));
  expect_error(ErrorCode::kBadShape, [&] { ClipTextModel(weights, config); });
}

}  // namespace
}  // namespace tandem::models

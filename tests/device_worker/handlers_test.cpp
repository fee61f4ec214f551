#include "device_worker/handlers/handlers.hpp"

#include <cstring>
#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "device_worker/shared_copies.hpp"
#include "protocol/error.hpp"
#include "tests/device_worker/fake_model.hpp"

namespace tandem::worker {
namespace {

constexpr ModelId kModel{1};

TensorHandle handle_of(const at::Tensor& tensor) {
  const at::Tensor source = tensor.contiguous();
  return InlineTensor{
      {DType::kF32, source.sizes().vec()},
      std::string(static_cast<const char*>(source.const_data_ptr()), source.nbytes())};
}

class HandlersTest : public ::testing::Test {
 protected:
  HandlersTest() {
    SharedCopies copies;
    store_.load(load_message(kModel, "/m", ModelPart::kUnet), copies);
  }

  at::Tensor read(const TensorHandle& handle) { return exchange_.open(handle); }

  FakeDevice device_;
  ModelStore store_{device_};
  TensorExchange exchange_{device_};
  OutputSlot no_slot_;
  PluginSet plugins_{{TANDEM_TEST_PLUGIN}};
  HookStore hooks_{plugins_};
  UnitContext context_{store_, exchange_, no_slot_, plugins_, hooks_};
};

TEST_F(HandlersTest, DenoiseGivesOneResultPerCond) {
  store_.put(ConstantId{1}, {at::ones({1, 1, 1}), {}, {}});
  store_.put(ConstantId{2}, {at::ones({1, 2, 1}), {}, {}});
  const Denoise unit{
      kModel, {}, handle_of(at::ones({1, 1, 2, 2})), 3.0F, {ConstantId{2}, ConstantId{1}}};
  const auto result = std::get<DenoiseResult>(run_unit(unit, context_));
  const at::Tensor denoised = read(result.denoised);
  EXPECT_EQ(denoised.sizes().vec(), (std::vector<std::int64_t>{2, 1, 1, 2, 2}));
  EXPECT_EQ(denoised[0].max().item<float>(), 5.0F);
  EXPECT_EQ(denoised[1].max().item<float>(), 4.0F);
}

TEST_F(HandlersTest, DenoiseIsOfTheUnitsRegion) {
  store_.put(ConstantId{1}, {at::ones({1, 1, 1}), {}});
  store_.put(ConstantId{2}, {at::ones({1, 1, 1}), {}});
  hooks_.put(ConstantId{2}, {{"wrapper", "test", R"({"add": 10})"}});
  Denoise unit{kModel,
               {},
               handle_of(at::arange(16, at::kFloat).reshape({1, 1, 4, 4})),
               1.0F,
               {ConstantId{1}}};
  unit.region = {LatentWindow{2, {3, 0}}, LatentArea{1, 2, 1, 1}};
  const auto result = std::get<DenoiseResult>(run_unit(unit, context_));
  EXPECT_TRUE(at::equal(read(result.denoised).flatten(), at::tensor({2.0F, 3.0F})));
  unit.conds = {ConstantId{2}};
  const auto hooked = std::get<DenoiseResult>(run_unit(unit, context_));
  EXPECT_TRUE(at::equal(read(hooked.denoised).flatten(), at::tensor({12.0F, 13.0F})));
}

TEST_F(HandlersTest, TokensAloneNeedNoForwardPass) {
  EncodeText unit;
  unit.model = kModel;
  unit.sections = {{"l", "a"}, {"g", "b"}};
  unit.want_cond = false;
  const auto tokens = std::get<EncodeTextResult>(run_unit(unit, context_));
  EXPECT_FALSE(tokens.cond.has_value());
  EXPECT_EQ(tokens.tokens[0].chunks[0][0].id, 2);
  unit.want_cond = true;
  EXPECT_TRUE(std::get<EncodeTextResult>(run_unit(unit, context_)).cond.has_value());
}

TEST_F(HandlersTest, AResultThatIsNotFiniteIsAnError) {
  try {
    run_unit(DecodeLatent{kModel, handle_of(at::ones({1, 4, 2, 2}))}, context_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFinite);
  }
}

TEST_F(HandlersTest, ATileIsDecodedByItsOwnFunctionAndNotClamped) {
  const auto result = std::get<DecodeLatentResult>(
      run_unit(DecodeLatent{kModel, handle_of(at::ones({1, 4, 2, 2})), true}, context_));
  EXPECT_EQ(read(result.image).max().item<float>(), 2.0F);
}

TEST_F(HandlersTest, UpscaleGivesTheLargerPicture) {
  const auto result = std::get<UpscaleTileResult>(
      run_unit(UpscaleTile{kModel, handle_of(at::ones({1, 4, 5, 3}))}, context_));
  EXPECT_EQ(read(result.image).sizes().vec(), (std::vector<std::int64_t>{1, 8, 10, 3}));
}

TEST_F(HandlersTest, AnOverflowOfTheCheckItselfIsNoError) {
  check_finite(at::full({1000}, std::numeric_limits<float>::max()), "this");
  EXPECT_THROW(check_finite(at::tensor({1.F, -INFINITY, INFINITY}), "this"), Error);
}

TEST_F(HandlersTest, EncodeImageAndForwardGiveWhatTheModelGives) {
  const auto latent = std::get<EncodeImageResult>(
      run_unit(EncodeImage{kModel, handle_of(at::ones({1, 2, 4, 3}))}, context_));
  EXPECT_EQ(read(latent.latent).sizes().vec(), (std::vector<std::int64_t>{1, 3, 2, 4}));
  const TensorHandle x = handle_of(at::zeros({1, 1, 1, 1}));
  const auto plain = std::get<ForwardResult>(run_unit(Forward{kModel, x, x, {}, {}}, context_));
  EXPECT_EQ(read(plain.out).item<float>(), 0.0F);
  const auto conditioned =
      std::get<ForwardResult>(run_unit(Forward{kModel, x, x, x, {}}, context_));
  EXPECT_EQ(read(conditioned.out).item<float>(), 1.0F);
}

}  // namespace
}  // namespace tandem::worker

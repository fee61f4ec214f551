#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "device_worker/handlers/handlers.hpp"
#include "protocol/error.hpp"
#include "tests/device_worker/fake_model.hpp"

namespace tandem::worker {
namespace {

constexpr SegmentId kOutput{2};
constexpr std::size_t kBytes = 1 << 16;

class PluginUnitTest : public ::testing::Test {
 protected:
  PluginUnitTest() { exchange_.attach({kOutput, kBytes, true}, output_.share()); }

  static PluginUnit unit(const std::string& kind) { return {"test", kind, "", {}, {}}; }

  ErrorCode code_of(const PluginUnit& unit) {
    try {
      run_unit(unit, context_);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }

  FakeDevice device_;
  ModelStore store_{device_};
  TensorExchange exchange_{device_};
  ipc::SharedSegment output_ = ipc::SharedSegment::create("output", kBytes);
  OutputSlot slot_{kOutput, 128, 20000};
  PluginSet plugins_{{TANDEM_TEST_PLUGIN}};
  HookStore hooks_{plugins_};
  UnitContext context_{store_, exchange_, slot_, plugins_, hooks_};
};

TEST_F(PluginUnitTest, ResultsLieOneAfterTheOtherInTheSlot) {
  const at::Tensor input = at::ones({2000});
  PluginUnit doubled = unit("double");
  doubled.inputs = {{"in", exchange_.offer(input, {})}};
  doubled.outputs = {{"sum", {DType::kF64, {}}}, {"doubled", {DType::kF32, {2000}}}};
  const auto result = std::get<PluginUnitResult>(run_unit(doubled, context_));
  ASSERT_EQ(result.outputs.size(), 2U);
  EXPECT_EQ(exchange_.open(result.outputs[0]).item<double>(), 2000.0);
  EXPECT_EQ(std::get<SharedMemoryTensor>(result.outputs[1]).offset, 128U + 64U);
  EXPECT_TRUE(at::equal(exchange_.open(result.outputs[1]), input * 2));
}

TEST_F(PluginUnitTest, WhatDoesNotFitTheSlotIsRefused) {
  PluginUnit doubled = unit("double");
  doubled.inputs = {{"in", exchange_.offer(at::ones({6000}), {})}};
  doubled.outputs = {{"sum", {DType::kF64, {}}}, {"doubled", {DType::kF32, {6000}}}};
  EXPECT_EQ(code_of(doubled), ErrorCode::kBadShape);
}

TEST_F(PluginUnitTest, FailuresAreErrors) {
  EXPECT_EQ(code_of(unit("fail")), ErrorCode::kInternal);
  EXPECT_EQ(code_of(unit("triple")), ErrorCode::kUnsupported);
  PluginUnit nan = unit("nan");
  nan.outputs = {{"out", {DType::kF32, {1}}}};
  EXPECT_EQ(code_of(nan), ErrorCode::kNotFinite);
  // A kind reads its inputs by their types.
  PluginUnit wrong = unit("double");
  wrong.inputs = {{"in", InlineTensor{{DType::kU8, {1}}, "a"}}};
  wrong.outputs = {{"sum", {DType::kF64, {}}}, {"doubled", {DType::kU8, {1}}}};
  EXPECT_EQ(code_of(wrong), ErrorCode::kBadRequest);
}

}  // namespace
}  // namespace tandem::worker

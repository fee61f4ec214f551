#include "device_worker/device/network_graphs.hpp"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "tests/device_worker/fake_gpu.hpp"

namespace tandem::worker {
namespace {

constexpr std::uint64_t kBudget = 150;

class NetworkGraphsTest : public ::testing::Test {
 protected:
  NetworkGraphsTest() { state_.bytes_per_graph = 100; }

  // x * t + sum(context)
  models::Network counting_network() {
    return [this](const models::NetworkInputs& in) {
      ++calls_;
      return in.x * in.timesteps + in.context.sum();
    };
  }

  static models::NetworkInputs inputs(std::int64_t size, float time) {
    return {at::ones({size}), at::full({1}, time), at::full({2}, 0.5F), std::nullopt};
  }

  static float first_of(const at::Tensor& tensor) { return tensor[0].item<float>(); }

  FakeGpu::State state_;
  FakeGpu gpu_{state_};
  NetworkGraphs graphs_{gpu_, kBudget};
  int calls_ = 0;
};

TEST_F(NetworkGraphsTest, TheFirstCallRunsTheSecondIsRecordedLaterOnesAreReplayed) {
  const models::Network network = graphs_.wrap(counting_network());
  EXPECT_EQ(first_of(network(inputs(3, 2))), 3.0F);
  EXPECT_EQ(state_.captures, 0);
  EXPECT_EQ(first_of(network(inputs(3, 4))), 5.0F);
  EXPECT_EQ(first_of(network(inputs(3, 8))), 9.0F);
  EXPECT_EQ(state_.captures, 1);
  EXPECT_EQ(state_.replays, 2);
}

TEST_F(NetworkGraphsTest, AResultStaysAsItIsWhenTheGraphRunsAgain) {
  const models::Network network = graphs_.wrap(counting_network());
  network(inputs(3, 1));
  const at::Tensor second = network(inputs(3, 2));
  network(inputs(3, 3));
  EXPECT_EQ(first_of(second), 3.0F);
}

TEST_F(NetworkGraphsTest, EveryShapeAndEveryNetworkHasAGraphOfItsOwn) {
  NetworkGraphs roomy(gpu_, 1000);
  const models::Network one = roomy.wrap(counting_network());
  const models::Network other = roomy.wrap(counting_network());
  for (int i = 0; i < 2; ++i) {
    one(inputs(3, 1));
    one(inputs(4, 1));
    other(inputs(3, 1));
  }
  EXPECT_EQ(state_.captures, 3);
  EXPECT_EQ(roomy.bytes(), 300U);
  models::NetworkInputs with_y = inputs(3, 1);
  with_y.y = at::ones({1});
  one(with_y);
  one(with_y);
  EXPECT_EQ(state_.captures, 4);
  models::NetworkInputs moved = inputs(3, 1);
  moved.motion = {1, 1.5, 1.0};  // a number that a kernel holds
  one(moved);
  one(moved);
  EXPECT_EQ(state_.captures, 5);
}

TEST_F(NetworkGraphsTest, WhatCannotBeRecordedGoesOnAsItIs) {
  state_.before_capture = throw_cuda_error;
  const models::Network network = graphs_.wrap(counting_network());
  for (int i = 1; i <= 4; ++i)
    EXPECT_EQ(first_of(network(inputs(3, static_cast<float>(i)))), static_cast<float>(i) + 1);
  EXPECT_EQ(state_.captures, 1);
  EXPECT_EQ(calls_, 4);
}

TEST_F(NetworkGraphsTest, AContextThatBrokeIsNotPassedOver) {
  const models::Network network = graphs_.wrap(counting_network());
  network(inputs(3, 1));
  state_.before_capture = throw_cuda_error;
  state_.broken = "an illegal address";
  EXPECT_THROW(network(inputs(3, 1)), c10::Error);
}

TEST_F(NetworkGraphsTest, WithoutMemoryForItTheCallersRetryRunsAsItIs) {
  const models::Network network = graphs_.wrap(counting_network());
  network(inputs(3, 1));
  state_.before_capture = throw_out_of_memory;
  EXPECT_THROW(network(inputs(3, 1)), c10::OutOfMemoryError);
  EXPECT_EQ(first_of(network(inputs(3, 1))), 2.0F);
  EXPECT_EQ(state_.captures, 1);
}

TEST_F(NetworkGraphsTest, PastTheBudgetTheOneNotUsedForLongestGoes) {
  const models::Network network = graphs_.wrap(counting_network());
  for (const std::int64_t size : {3, 3, 4, 4})
    network(inputs(size, 1));
  EXPECT_EQ(state_.graphs_alive, 1);
  EXPECT_EQ(graphs_.bytes(), 100U);
  network(inputs(4, 1));
  EXPECT_EQ(state_.captures, 2);
  network(inputs(3, 1));
  EXPECT_EQ(state_.captures, 3);
}

TEST_F(NetworkGraphsTest, WhatAloneIsLargerThanTheBudgetIsNotRecordedAgain) {
  state_.bytes_per_graph = kBudget + 1;
  const models::Network network = graphs_.wrap(counting_network());
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(first_of(network(inputs(3, 1))), 2.0F);
  EXPECT_EQ(state_.captures, 1);
  EXPECT_EQ(state_.graphs_alive, 0);
  EXPECT_EQ(graphs_.bytes(), 0U);
}

TEST_F(NetworkGraphsTest, GraphsGoWithTheirNetworkAndWithClear) {
  models::Network network = graphs_.wrap(counting_network());
  network(inputs(3, 1));
  network(inputs(3, 1));
  graphs_.clear();
  EXPECT_EQ(state_.graphs_alive, 0);
  network(inputs(3, 1));
  network(inputs(3, 1));
  EXPECT_EQ(state_.graphs_alive, 1);
  network = nullptr;
  EXPECT_EQ(state_.graphs_alive, 0);
  EXPECT_EQ(graphs_.bytes(), 0U);
}

}  // namespace
}  // namespace tandem::worker

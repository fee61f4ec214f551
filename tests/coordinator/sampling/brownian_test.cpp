#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/sampling/noise/brownian_noise.hpp"
#include "coordinator/sampling/noise/job_noise.hpp"
#include "coordinator/sampling/noise/seed_sequence.hpp"
#include "protocol/error.hpp"
#include "tests/coordinator/sampling/golden_cases.hpp"

namespace tandem::coordinator {
namespace {

using Words = std::vector<std::uint32_t>;

// Numbers of numpy.random.SeedSequence(...).generate_state(3).
TEST(SeedSequence, IsNumPys) {
  EXPECT_EQ(SeedSequence(0, {}, 4).generate_state(3),
            (Words{2968811710U, 3677149159U, 745650761U}));
  EXPECT_EQ(SeedSequence(1234567890123456789U, {}, 24).generate_state(3),
            (Words{2487408386U, 894505113U, 2341597193U}));
  const std::vector<std::uint64_t> key = {5, 3};
  EXPECT_EQ(SeedSequence(42, key, 24).generate_state(3),
            (Words{3084123560U, 468215949U, 242942938U}));
  const std::vector<std::uint64_t> wide_key = {std::uint64_t{1} << 40, 41};
  EXPECT_EQ(SeedSequence(42, wide_key, 24).generate_state(3),
            (Words{1895261065U, 2950601834U, 622424128U}));
}

TEST(BrownianTree, IncrementsAddUpWhicheverWayTheyAreCut) {
  const BrownianTree tree({2, 3}, 0.03, 14.6, 7);
  const at::Tensor whole = tree.increment(0.03, 14.6);
  const at::Tensor parts =
      tree.increment(0.03, 1.0) + tree.increment(1.0, 3.3) + tree.increment(3.3, 14.6);
  EXPECT_TRUE(at::allclose(whole, parts, 1e-5, 1e-5));
  EXPECT_TRUE(tree.increment(1.0, 3.3).equal(tree.increment(1.0, 3.3)));
  EXPECT_TRUE(tree.increment(-5.0, 100.0).equal(whole));
  EXPECT_TRUE(tree.increment(2.0, 2.0).equal(at::zeros({2, 3})));
}

TEST(BrownianTree, AnIncrementsVarianceIsItsLength) {
  const BrownianTree tree({100'000}, 0.0, 10.0, 3);
  for (const double from : {0.0, 2.345678, 9.999}) {
    const double variance = tree.increment(from, 10.0).var().item<double>();
    EXPECT_NEAR(variance / (10.0 - from), 1.0, 0.03) << from;
  }
}

TEST(BrownianTree, AnAbsurdRangeIsRefused) {
  EXPECT_THROW(BrownianTree({1}, 0.0, 1e10, 1), Error);
}

TEST(BrownianNoise, TheWayBackIsTheOtherSign) {
  const BrownianNoise noise({3}, {14.6F, 2.0F, 0.0F}, 9);
  EXPECT_TRUE(noise(14.6F, 2.0F).equal(-noise(2.0F, 14.6F)));
}

class GoldenBrownian : public testing::TestWithParam<std::string> {};

// Every draw that torchsde made for ComfyUI in these samplings: to the bit where the processor is
// of the recording's kind, since torch's logarithms and roots round differently on others.
TEST_P(GoldenBrownian, DrawsAreTorchsdes) {
  if (GetParam().empty()) GTEST_SKIP() << "no golden tree at " << golden_places();
  const GoldenCase golden = read_golden_case("samplers_sde", GetParam());
  if (golden.brownian.empty()) GTEST_SKIP() << "this tree carries no draws";
  const at::Tensor expected = golden.brownian.at("noise");
  const Sigmas from = to_sigmas(golden.brownian.at("sigma"), "sigma");
  const Sigmas to = to_sigmas(golden.brownian.at("sigma_next"), "sigma_next");
  const BrownianNoise noise(expected.sizes().slice(1), {from.front(), to.back()},
                            brownian_seed(golden.job.noise));
  for (std::size_t i = 0; i < from.size(); ++i) {
    const at::Tensor drawn = noise(from[i], to[i]);
    EXPECT_TRUE(at::allclose(drawn, expected[static_cast<std::int64_t>(i)], 1e-6, 1e-6)) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenBrownian, testing::ValuesIn(golden_names("samplers_sde")),
                         [](const auto& tested) { return test_name(tested.param); });

}  // namespace
}  // namespace tandem::coordinator

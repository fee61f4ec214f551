// Against numbers recorded from torch.randn with a CUDA generator (torch 2.11.0, CUDA 13.0, one
// H200): for "SEED/SHAPE/DRAW" the first 64 numbers, further on at some places, and the sum of all.
#include "coordinator/sampling/noise/philox.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "coordinator/sampling/noise/job_noise.hpp"
#include "tests/coordinator/sampling/golden_cases.hpp"

namespace tandem::coordinator {
namespace {

using Recorded = std::map<std::string, at::Tensor>;

// The device's sine, cosine and logarithm are its own: a numpy reproduction of all recorded numbers
// was within 2.8e-6.
constexpr double kTolerance = 4e-6;
constexpr std::int64_t kMiddle = 1081312;  // where the second pass over the threads begins, less 32

const Recorded& recorded() {
  static const Recorded kRecorded = read_tensors(TANDEM_PHILOX_FILE);
  return kRecorded;
}

std::vector<std::int64_t> parse_shape(const std::string& text) {
  std::vector<std::int64_t> shape;
  std::istringstream words(text);
  for (std::string size; std::getline(words, size, 'x');)
    shape.push_back(std::stoll(size));
  return shape;
}

// "SEED/SHAPE" of all that was recorded.
std::vector<std::string> streams() {
  std::set<std::string> names;
  for (const auto& [key, numbers] : recorded()) {
    const auto seed_end = key.find('/');
    if (seed_end != std::string::npos) names.insert(key.substr(0, key.find('/', seed_end + 1)));
  }
  return {names.begin(), names.end()};
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Compares what was recorded of a draw; how many places that were.
int compare(const std::string& key, const at::Tensor& draw) {
  const at::Tensor flat = draw.flatten();
  const std::map<std::string, std::int64_t> places = {
      {"", 0}, {"/head", 0}, {"/mid", kMiddle}, {"/tail", flat.numel() - 64}};
  int compared = 0;
  for (const auto& [name, begin] : places) {
    const auto found = recorded().find(key + name);
    if (found == recorded().end()) continue;
    const at::Tensor& expected = found->second;
    EXPECT_LE(distance(flat.narrow(0, begin, expected.numel()), expected), kTolerance)
        << key << name;
    ++compared;
  }
  if (const auto sum = recorded().find(key + "/sum"); sum != recorded().end()) {
    const double error = flat.to(at::kDouble).sum().item<double>() - sum->second.item<double>();
    EXPECT_LE(std::abs(error), 1e-6 * static_cast<double>(flat.numel())) << key;
  }
  return compared;
}

class RecordedPhilox : public testing::TestWithParam<std::string> {};

TEST_P(RecordedPhilox, IsTorchs) {
  const std::string& stream = GetParam();
  const auto slash = stream.find('/');
  PhiloxNoise noise(std::stoull(stream.substr(0, slash)));
  int compared = 0;
  for (int draw = 0; draw < 3; ++draw) {
    compared += compare(stream + "/" + std::to_string(draw),
                        noise.draw(parse_shape(stream.substr(slash + 1))));
  }
  EXPECT_GE(compared, 2);
}

INSTANTIATE_TEST_SUITE_P(Philox, RecordedPhilox, testing::ValuesIn(streams()),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::ranges::replace(name, '/', '_');
                           return name;
                         });

// Salmon et al.'s known answer for a counter and a key of ones.
TEST(Philox, GivesThePublishedWords) {
  constexpr std::uint32_t kOnes = 0xFFFFFFFF;
  const auto words = philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes});
  EXPECT_EQ(words, (std::array<std::uint32_t, 4>{0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD}));
}

TEST(Philox, ADrawUsesUpAsMuchOfTheStreamAsTorchs) {
  const at::Tensor rows = recorded().at("offset_after_one_draw");
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    PhiloxNoise noise(1);
    noise.draw({rows[i][0].item<std::int64_t>()});
    EXPECT_EQ(static_cast<std::int64_t>(noise.offset()), rows[i][1].item<std::int64_t>());
  }
}

TEST(Philox, NothingDrawnUsesNothing) {
  PhiloxNoise noise(1);
  EXPECT_EQ(noise.draw({2, 0, 3}).sizes(), (std::vector<std::int64_t>{2, 0, 3}));
  EXPECT_EQ(noise.offset(), 0U);
}

TEST(SamplerNoise, IsTheModelsDevicesUnlessTheJobSays) {
  job::Noise noise;
  EXPECT_EQ(sampler_noise_source(noise, "cpu"), NoiseSource::kCpu);
  EXPECT_EQ(sampler_noise_source(noise, "gpu"), NoiseSource::kCuda);
  noise.sampler_device = job::NoiseDevice::kCpu;
  EXPECT_EQ(sampler_noise_source(noise, "gpu"), NoiseSource::kCpu);
  noise.sampler_device = job::NoiseDevice::kCuda;
  EXPECT_EQ(sampler_noise_source(noise, "cpu"), NoiseSource::kCuda);
}

// ComfyUI adds 1 to the seed on a CPU only.
TEST(SamplerNoise, OnCudaTheSeedIsTheJobsOwn) {
  job::Noise noise;
  noise.seed = 41;
  const std::vector<std::int64_t> shape = {2, 3};
  EXPECT_TRUE(
      make_sampler_noise(noise, NoiseSource::kCuda).draw(shape).equal(PhiloxNoise(41).draw(shape)));
  noise.sampler_seed = 5;
  EXPECT_TRUE(
      make_sampler_noise(noise, NoiseSource::kCuda).draw(shape).equal(PhiloxNoise(5).draw(shape)));
}

}  // namespace
}  // namespace tandem::coordinator

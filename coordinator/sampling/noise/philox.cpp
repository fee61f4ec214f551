#include "coordinator/sampling/noise/philox.hpp"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace tandem::coordinator {
namespace {

constexpr std::uint64_t kWords = 4;  // of a thread's draw
constexpr std::uint64_t kBlock = 256;
constexpr std::uint64_t kMaxBlocks = 132 * (2048 / kBlock);
constexpr int kRounds = 10;

std::uint32_t high(std::uint64_t product) {
  return static_cast<std::uint32_t>(product >> 32);
}
std::uint32_t low(std::uint64_t product) {
  return static_cast<std::uint32_t>(product);
}

// curand's Box-Muller: the first of two words is the radius, the second the angle.
std::array<float, 2> box_muller(std::uint32_t radius_word, std::uint32_t angle_word) {
  constexpr float kPerWord = 2.3283064e-10F;              // 2^-32
  constexpr float kAnglePerWord = kPerWord * 6.2831855F;  // 2 pi
  const float u = static_cast<float>(radius_word) * kPerWord + kPerWord / 2;
  const float angle = static_cast<float>(angle_word) * kAnglePerWord + kAnglePerWord / 2;
  const float radius = std::sqrt(-2.0F * std::log(u));
  return {radius * std::sin(angle), radius * std::cos(angle)};
}

std::array<float, kWords> normals(std::uint64_t seed, std::uint64_t counter, std::uint64_t thread) {
  const auto words =
      philox4x32({low(counter), high(counter), low(thread), high(thread)}, {low(seed), high(seed)});
  const auto first = box_muller(words[0], words[1]);
  const auto second = box_muller(words[2], words[3]);
  return {first[0], first[1], second[0], second[1]};
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(const std::array<std::uint32_t, 4>& counter,
                                        const std::array<std::uint32_t, 2>& key) {
  std::array<std::uint32_t, 4> x = counter;
  std::array<std::uint32_t, 2> k = key;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * x[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * x[2];
    x = {high(b) ^ x[1] ^ k[0], low(b), high(a) ^ x[3] ^ k[1], low(a)};
    k = {k[0] + 0x9E3779B9, k[1] + 0xBB67AE85};
  }
  return x;
}

// Torch's distribution kernel: the threads stride over the elements, each takes its four words one
// stride apart, then the next four.
at::Tensor PhiloxNoise::draw(at::IntArrayRef shape) {
  at::Tensor noise = at::empty(shape, at::kFloat);
  const auto count = static_cast<std::uint64_t>(noise.numel());
  if (count == 0) return noise;
  auto* numbers = noise.mutable_data_ptr<float>();
  const std::uint64_t threads = std::min((count + kBlock - 1) / kBlock, kMaxBlocks) * kBlock;
  const std::uint64_t passes = (count - 1) / (kWords * threads) + 1;
  for (std::uint64_t pass = 0; pass < passes; ++pass) {
    for (std::uint64_t thread = 0; thread < threads; ++thread) {
      const std::uint64_t first = pass * kWords * threads + thread;
      if (first >= count) break;
      const auto four = normals(seed_, offset_ / kWords + pass, thread);
      for (std::uint64_t word = 0; word < kWords && first + word * threads < count; ++word)
        numbers[first + word * threads] = four.at(word);
    }
  }
  offset_ += passes * kWords;
  return noise;
}

}  // namespace tandem::coordinator

#include "coordinator/sampling/noise/brownian_tree.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/noise/noise_generator.hpp"
#include "coordinator/sampling/noise/seed_sequence.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kPoolSize = 24;
constexpr int kDecimals = 6;
constexpr double kMaxRange = 1e9;

// Python's round(time, 6), which rounds the decimal expansion, not a product.
double round_time(double time) {
  constexpr std::size_t kLongest = 64;
  std::array<char, kLongest> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), time,
                                 std::chars_format::fixed, kDecimals);
  double rounded = time;
  if (end.ec == std::errc()) std::from_chars(text.data(), end.ptr, rounded);
  return rounded;
}

std::uint32_t first_seed(std::uint64_t entropy, std::span<const std::uint64_t> spawn_key) {
  return SeedSequence(entropy, spawn_key, kPoolSize).generate_state(1).front();
}

void check_range(double t0, double t1) {
  if (t1 - t0 <= kMaxRange) return;
  throw Error(
      ErrorCode::kOutOfRange,
      "Samplers that draw Brownian noise take sigmas up to 1e9, not " + std::to_string(t1) + ".",
      "", "sampler.sigmas");
}

}  // namespace

BrownianTree::BrownianTree(std::vector<std::int64_t> shape, double t0, double t1,
                           std::uint64_t entropy)
    : shape_(std::move(shape)), entropy_(entropy) {
  check_range(t0, t1);
  NoiseGenerator generator(first_seed(entropy_, {}));
  top_ = {round_time(t0), round_time(t1), 0, 0, generator.draw(shape_) * std::sqrt(t1 - t0)};
}

at::Tensor BrownianTree::increment(double from, double to) const {
  const double start = round_time(std::clamp(from, top_.start, top_.end));
  const double end = round_time(std::clamp(to, top_.start, top_.end));
  if (start >= end) return at::zeros(shape_, at::kFloat);
  at::Tensor sum;
  add_up(top_, start, end, sum);
  return sum;
}

void BrownianTree::add_up(const Interval& node, double from, double to, at::Tensor& sum) const {
  if (from == node.start && to == node.end) {
    sum = sum.defined() ? sum + node.increment : node.increment;
    return;
  }
  const double middle = round_time(0.5 * (node.end + node.start));
  const at::Tensor left = left_increment(node, middle);
  const std::uint64_t key = 2 * node.spawn_key;
  if (from < middle) {
    add_up({node.start, middle, key, node.depth + 1, left}, from, std::min(to, middle), sum);
  }
  if (to > middle) {
    add_up({middle, node.end, key + 1, node.depth + 1, node.increment - left},
           std::max(from, middle), to, sum);
  }
}

at::Tensor BrownianTree::left_increment(const Interval& node, double middle) const {
  const double left = middle - node.start;
  const double right = node.end - middle;
  const double per_length = 1 / (node.end - node.start);
  NoiseGenerator generator(first_seed(entropy_, std::array{node.spawn_key, node.depth}));
  const at::Tensor mean = left * node.increment * per_length;
  return mean + std::sqrt(left * right * per_length) * generator.draw(shape_);
}

}  // namespace tandem::coordinator

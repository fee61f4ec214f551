// A path of Brownian motion that is the same however it is asked for.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// torchsde 0.2.6's BrownianTree(t0, zeros, t1, entropy, tol=1e-6): the increment of the whole range
// is drawn from the entropy, then intervals are halved (Levy's construction) down to the times
// that are asked for, each with a seed of its own place in the tree. Nothing is stored: an interval
// that is visited again is drawn again.
class BrownianTree {
 public:
  // For increments of that shape between t0 and t1, t0 <= t1. Throws Error(kOutOfRange) for a range
  // of more than 1e9, which would need more halvings than seeds can tell apart.
  BrownianTree(std::vector<std::int64_t> shape, double t0, double t1, std::uint64_t entropy);

  // W(to) - W(from), float32 on the CPU; from <= to. Times are cut to the range and rounded to
  // 1e-6.
  at::Tensor increment(double from, double to) const;

 private:
  // A node of the tree: halving number spawn_key of its depth, and its increment.
  struct Interval {
    double start = 0.0;
    double end = 0.0;
    std::uint64_t spawn_key = 0;
    std::uint64_t depth = 0;
    at::Tensor increment;
  };

  // Adds the increments of the nodes that make up [from, to], from left to right.
  void add_up(const Interval& node, double from, double to, at::Tensor& sum) const;
  // The increment of a node's left part, given the node's own: a Brownian bridge.
  at::Tensor left_increment(const Interval& node, double middle) const;

  std::vector<std::int64_t> shape_;
  std::uint64_t entropy_;
  Interval top_;
};

}  // namespace tandem::coordinator

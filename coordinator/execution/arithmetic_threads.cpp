#include "coordinator/execution/arithmetic_threads.hpp"

#include <cstdint>

#include <ATen/Parallel.h>

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kLargeLatent = std::int64_t{1} << 18;
constexpr int kThreadsForLargeLatents = 4;

}  // namespace

void set_arithmetic_threads(const at::Tensor& latent) {
  thread_local int in_force = 0;
  const int wanted = latent.numel() >= kLargeLatent ? kThreadsForLargeLatents : 1;
  if (wanted != in_force) at::set_num_threads(wanted);
  in_force = wanted;
}

}  // namespace tandem::coordinator

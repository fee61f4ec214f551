// "sampling", "context" and "workers": what an evaluator has as well.
#include "protocol/job/writers.hpp"

namespace tandem::job::detail {

json::object write(const Sampling& sampling) {
  ObjectWriter out;
  out.put("parameterization", sampling.parameterization, kParameterizations);
  out.put("zsnr", sampling.zsnr, Sampling{}.zsnr);
  out.put("kind", sampling.kind, kFlowKinds);
  out.put("shift", sampling.shift);
  out.put("multiplier", sampling.multiplier);
  return out.take();
}

json::object write(const Context& context) {
  ObjectWriter out;
  const Context fallback;
  out.put("length", context.length, fallback.length);
  out.put("overlap", context.overlap, fallback.overlap);
  out.put("stride", context.stride, fallback.stride);
  out.put("schedule", context.schedule, fallback.schedule);
  out.put("fuse", context.fuse, fallback.fuse);
  out.put("closed_loop", context.closed_loop, fallback.closed_loop);
  out.put("dim", context.dim, fallback.dim);
  return out.take();
}

json::object write(const Workers& workers) {
  ObjectWriter out;
  const Workers fallback;
  out.put("max", workers.max);
  json::object speeds;
  for (const auto& [worker, speed] : workers.relative_speed)
    speeds[worker] = speed;
  out.put("relative_speed", std::move(speeds));
  out.put("batching", workers.batching, fallback.batching, kBatchings);
  out.put("split_batch", workers.split_batch, fallback.split_batch);
  out.put("audit", workers.audit, fallback.audit);
  out.put("on_nan", workers.on_nan, fallback.on_nan, kOnNans);
  return out.take();
}

}  // namespace tandem::job::detail

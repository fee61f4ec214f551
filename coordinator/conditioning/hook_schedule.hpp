// How strongly each hook counts while a run goes from sigma to sigma (ComfyUI's HookKeyframeGroup).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/conditioning/hook_strengths.hpp"
#include "coordinator/sampling/sigmas.hpp"
#include "models/prediction/prediction.hpp"

namespace tandem::coordinator {

// A keyframe takes over once the sigma has come down to its start, and the one before has been used
// for its guaranteed steps; the first one also holds before its start. A step is an evaluation at
// another sigma than the last. A keyframe that starts above the run's largest sigma guarantees
// none, so that a schedule that is sampled in several runs does not wait again for what an earlier
// run did.
class HookSchedule : public HookStrengths {
 public:
  // sigmas: of this run. groups is referred to.
  HookSchedule(const HookGroups& groups, const models::Prediction& prediction,
               const Sigmas& sigmas);

  // To be asked for each cond
  // that is active: a hook's keyframes advance only then. Asked twice at one sigma, it answers the
  // same.
  std::vector<HookStrength> at(const std::vector<std::string>& groups, float sigma) override;

 private:
  struct Frame {
    float start = 0.0F;  // sigma
    double strength = 1.0;
    int guaranteed = 0;  // steps, in this run
  };
  struct State {
    std::vector<Frame> frames;  // by their start, those of one start in the job's order
    std::size_t current = 0;
    int used = 0;
    std::optional<float> sigma;  // of the last evaluation
  };

  static double strength_at(State& state, float sigma);
  static void advance(State& state, float sigma);

  const HookGroups& groups_;
  std::map<const job::Hook*, State> states_;
};

// A hook's keyframes by their start, those of one start in the job's order.
std::vector<job::Keyframe> sorted_keyframes(const job::Hook& hook);

}  // namespace tandem::coordinator

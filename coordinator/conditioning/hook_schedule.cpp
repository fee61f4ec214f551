#include "coordinator/conditioning/hook_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::coordinator {

std::vector<job::Keyframe> sorted_keyframes(const job::Hook& hook) {
  std::vector<job::Keyframe> keyframes = hook.keyframes;
  std::ranges::stable_sort(keyframes, {}, &job::Keyframe::start_percent);
  return keyframes;
}

HookSchedule::HookSchedule(const HookGroups& groups, const models::Prediction& prediction,
                           const Sigmas& sigmas)
    : groups_(groups) {
  const float largest = sigmas.empty() ? 0.0F : *std::ranges::max_element(sigmas);
  for (const auto& [id, hooks] : groups) {
    for (const job::Hook& hook : hooks) {
      State& state = states_[&hook];
      for (const job::Keyframe& keyframe : sorted_keyframes(hook)) {
        const auto start = static_cast<float>(prediction.percent_to_sigma(keyframe.start_percent));
        state.frames.push_back(
            {start, keyframe.strength, start > largest ? 0 : keyframe.guarantee_steps});
      }
    }
  }
}

std::vector<HookStrength> HookSchedule::at(const std::vector<std::string>& groups, float sigma) {
  std::vector<HookStrength> strengths;
  for (const job::Hook* hook : weight_hooks(groups_, groups)) {
    const double factor = strength_at(states_.at(hook), sigma);
    strengths.push_back({hook->file, scaled_strength(hook->strength_model, factor)});
  }
  return strengths;
}

double HookSchedule::strength_at(State& state, float sigma) {
  if (state.frames.empty()) return 1.0;
  if (state.sigma != sigma) {
    if (state.used >= state.frames[state.current].guaranteed) advance(state, sigma);
    ++state.used;
    state.sigma = sigma;
  }
  return state.frames[state.current].strength;
}

// To the last keyframe that has started, or the first of them that guarantees steps.
void HookSchedule::advance(State& state, float sigma) {
  for (std::size_t next = state.current + 1; next < state.frames.size(); ++next) {
    if (state.frames[next].start < sigma) return;
    state.current = next;
    state.used = 0;
    if (state.frames[next].guaranteed > 0) return;
  }
}

}  // namespace tandem::coordinator

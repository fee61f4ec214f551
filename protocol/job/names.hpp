// The names that the job format gives to the values of enums, and its closed lists of names.
#pragma once

#include <array>
#include <string_view>

#include "protocol/job/job.hpp"
#include "protocol/object_reader.hpp"

namespace tandem::job {

inline constexpr std::array kComputeTypes = {
    Named<ComputeType>{"auto", ComputeType::kAuto},
    Named<ComputeType>{"fp32", ComputeType::kF32},
    Named<ComputeType>{"bf16", ComputeType::kBF16},
    Named<ComputeType>{"fp16", ComputeType::kF16},
};

inline constexpr std::array kNoiseDevices = {
    Named<NoiseDevice>{"default", NoiseDevice::kDefault},
    Named<NoiseDevice>{"cpu", NoiseDevice::kCpu},
    Named<NoiseDevice>{"cuda", NoiseDevice::kCuda},
};

inline constexpr std::array kGuiderKinds = {
    Named<GuiderKind>{"cfg", GuiderKind::kCfg},
    Named<GuiderKind>{"dual_cfg", GuiderKind::kDualCfg},
    Named<GuiderKind>{"basic", GuiderKind::kBasic},
    Named<GuiderKind>{"perp_neg", GuiderKind::kPerpNeg},
};

inline constexpr std::array kParameterizations = {
    Named<Parameterization>{"eps", Parameterization::kEps},
    Named<Parameterization>{"v_prediction", Parameterization::kVPrediction},
    Named<Parameterization>{"lcm", Parameterization::kLcm},
    Named<Parameterization>{"x0", Parameterization::kX0},
    Named<Parameterization>{"flow", Parameterization::kFlow},
};

inline constexpr std::array kFlowKinds = {
    Named<FlowKind>{"flow", FlowKind::kFlow},
    Named<FlowKind>{"flux", FlowKind::kFlux},
};

inline constexpr std::array kBatchings = {
    Named<Batching>{"auto", Batching::kAuto},
    Named<Batching>{"exact", Batching::kExact},
};

inline constexpr std::array kOnNans = {
    Named<OnNan>{"fail", OnNan::kFail},
    Named<OnNan>{"fp32", OnNan::kFp32},
};

inline constexpr std::array kImageTypes = {
    Named<ImageType>{"float32", ImageType::kFloat32},
    Named<ImageType>{"uint8", ImageType::kUint8},
};

// Lists whose members stay strings in the job.
inline constexpr std::array<std::string_view, 4> kContextSchedules = {
    "standard_static", "standard_uniform", "looped_uniform", "batched"};
inline constexpr std::array<std::string_view, 4> kContextFuses = {"pyramid", "flat", "relative",
                                                                  "overlap-linear"};
inline constexpr std::array<std::string_view, 7> kHookTypes = {
    "weight",  "object_patch", "transformer_options", "additional_model", "injection",
    "wrapper", "callback"};

// The outputs, in the order in which they are written.
struct OutputRow {
  std::string_view key;
  Output Outputs::*field;
};
inline constexpr std::array kOutputs = {
    OutputRow{"latent", &Outputs::latent},   OutputRow{"image", &Outputs::image},
    OutputRow{"cond", &Outputs::cond},       OutputRow{"tokens", &Outputs::tokens},
    OutputRow{"sigmas", &Outputs::sigmas},   OutputRow{"noise", &Outputs::noise},
    OutputRow{"forward", &Outputs::forward}, OutputRow{"windows", &Outputs::windows},
    OutputRow{"video", &Outputs::video},     OutputRow{"plugin", &Outputs::plugin},
};

// The name of a value; every enum above is listed in full.
template <class E, std::size_t N>
std::string_view name_of(E value, const std::array<Named<E>, N>& choices) {
  for (const Named<E>& choice : choices) {
    if (choice.value == value) return choice.name;
  }
  return {};
}

}  // namespace tandem::job

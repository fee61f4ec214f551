// What a request about evaluators may ask for; checked before anything is allocated.
#pragma once

#include <cstddef>

#include "protocol/job/limits.hpp"

namespace tandem::evaluator {

inline constexpr std::size_t kMaxConds = 4096;
inline constexpr int kMaxLists = 64;
inline constexpr std::size_t kMaxListed = 4096;  // conds of one list
inline constexpr std::size_t kMaxPatches = 16384;
inline constexpr std::size_t kMaxPatchTensors = 16;
inline constexpr std::size_t kLatentDims = 4;
inline constexpr std::size_t kMaxSigmas = 10001;  // of a run: as many steps as a job's, and its end

inline constexpr StringRule kEvaluatorId{"the id of an evaluator", 64};
inline constexpr StringRule kModelKey{"the key of a weight", 512};
inline constexpr WholeRange kDescriptorIndex{0, 7};
inline constexpr WholeRange kSide{1, 1 << 20};
inline constexpr WholeRange kListCount{1, kMaxLists};
inline constexpr NumberRange kSigma{0.0};

}  // namespace tandem::evaluator

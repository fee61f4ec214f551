// What a job may ask for. The limits are checked before anything is allocated (docs/job-format.md).
#pragma once

#include <cstddef>

#include "protocol/object_reader.hpp"

namespace tandem::job {

inline constexpr int kJobVersion = 1;

inline constexpr std::size_t kMaxConds = 4096;  // in one list
inline constexpr std::size_t kMaxLoras = 1024;
inline constexpr std::size_t kMaxTextEncoders = 8;
inline constexpr std::size_t kMaxEmbeddings = 4096;
inline constexpr std::size_t kMaxReferences = 64;
inline constexpr std::size_t kMaxHookGroups = 1024;
inline constexpr std::size_t kMaxHooks = 64;  // in one group
inline constexpr std::size_t kMaxKeyframes = 10000;
inline constexpr std::size_t kMaxSamplerOptions = 64;
inline constexpr std::size_t kMaxWorkers = 1024;
inline constexpr std::size_t kMaxPluginOptionBytes = 65536;
inline constexpr std::size_t kMaxPluginTensors = 256;

inline constexpr int kMaxPixels = 16384;  // of one side
inline constexpr int kMaxBatch = 4096;

inline constexpr StringRule kPromptText{"a text", std::size_t{256} << 10, true};
inline constexpr StringRule kFileName{"a file name", 4096};
inline constexpr StringRule kTensorNameRule{"the name of a tensor", 256};
inline constexpr StringRule kId{"an id", 64};
inline constexpr StringRule kName{"a name", 128};

inline constexpr WholeRange kAtLeastZero{0, kMaxWhole};
inline constexpr WholeRange kAtLeastOne{1, kMaxWhole};
inline constexpr WholeRange kPixels{16, kMaxPixels};
inline constexpr WholeRange kConditionedPixels{0, kMaxPixels};
inline constexpr WholeRange kCells{1, kMaxPixels};
inline constexpr WholeRange kCellOffset{0, kMaxPixels};
inline constexpr WholeRange kBatch{1, kMaxBatch};
inline constexpr WholeRange kFrames{1, kMaxPixels};
inline constexpr WholeRange kBatchIndex{0, 65535};
inline constexpr WholeRange kSteps{1, 10000};
inline constexpr WholeRange kStepIndex{0, 10000};
inline constexpr WholeRange kClipSkip{-64, -1};
inline constexpr WholeRange kTileSide{1, kMaxPixels};
inline constexpr WholeRange kOverlap{0, kMaxPixels};
inline constexpr WholeRange kDimension{0, 7};
inline constexpr WholeRange kWorkerCount{1, static_cast<int>(kMaxWorkers)};
inline constexpr WholeRange kTokenPosition{-1, 65535};

inline constexpr NumberRange kAtLeastNothing{0.0};
inline constexpr NumberRange kMotionFactor{0.0, 1000.0};
inline constexpr NumberRange kFramesPerSecond{kAboveZero.least, 1000.0};

}  // namespace tandem::job

// A safetensors file as tensors.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "models/checkpoint/weights.hpp"
#include "protocol/file_stamp.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

struct Checkpoint {
  FileStamp stamp;
  TensorMap tensors;  // CPU, in the stored type
};

// Maps the file read-only; the tensors are views of the mapping, which lives as long as the last of
// them, and must not be written to. A tensor that the file did not align to its element is a copy.
// Throws kMissingFile, kBadCheckpoint, kOutOfMemory.
Checkpoint open_checkpoint(const std::string& path);

// The tensors of a safetensors file whose data lies in memory, which `owner` keeps: views, or
// copies as above.
TensorMap tensors_in(const SafetensorsHeader& header, std::span<const std::byte> data,
                     const std::shared_ptr<const void>& owner);

}  // namespace tandem::models

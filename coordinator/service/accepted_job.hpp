// A job that was accepted: everything in it was checked and its files were found.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/dispatch/memory_file.hpp"
#include "coordinator/dispatch/part_devices.hpp"
#include "coordinator/service/embeddings.hpp"
#include "coordinator/service/side_files.hpp"
#include "coordinator/service/tensor_file.hpp"
#include "protocol/ids.hpp"
#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"
#include "protocol/patches.hpp"

namespace tandem::coordinator {

// A model by itself that a job uses besides its own.
struct NamedModel {
  ModelId model;
  ModelInfo info;
};

struct AcceptedJob {
  JobId id;
  job::Job job;
  std::shared_ptr<const TensorFile> tensors;  // null where the job came with none
  ModelId model;
  ModelInfo info;
  SideFiles side_files;
  MemoryFiles memory_files;  // those of the side files and patches that are memory
  // That its texts may name; nullopt where none is known at all, and the word is ordinary text.
  std::optional<Embeddings> embeddings;
  std::vector<Patch> weight_patches;  // of the diffusion model, after its LoRAs: an evaluator's
  std::optional<NamedModel> upscale;  // what "model.upscale" names
  std::optional<ModelId> fp32;        // the model in float32, for what is not finite otherwise
  PartDevices devices;
  std::string device_kind;       // of the diffusion model's device
  std::size_t worker_count = 1;  // that it can count on; fixes the groups of batching "auto"
};

}  // namespace tandem::coordinator

// Safetensors files made for tests.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "protocol/safetensors.hpp"

namespace tandem::models {

using Metadata = std::map<std::string, std::string>;

// A file of the right length whose tensors are all zero; their bytes take no room on the disk, so
// that a published model's header can be tried without its weights.
void write_hollow_file(const std::string& path, const std::vector<NamedLayout>& tensors,
                       const Metadata& metadata = {});

// A file with these float32 numbers.
struct NamedNumbers {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> numbers;
};
void write_numbers_file(const std::string& path, const std::vector<NamedNumbers>& tensors,
                        const Metadata& metadata = {});

// Writes over what is there.
void overwrite(const std::string& path, std::uint64_t offset, const void* bytes, std::size_t count);

// Names and shapes of a smallest SD1 checkpoint: one level of 32 channels, a text encoder of one
// layer, a VAE of one level; fp32. `unet_prefix` may be empty.
std::vector<NamedLayout> tiny_sd1_layouts(
    const std::string& unet_prefix = "model.diffusion_model.");
// Its sizes as metadata.
Metadata tiny_sd1_metadata();

}  // namespace tandem::models

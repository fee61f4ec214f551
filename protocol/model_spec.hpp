// Which files make up a model and in what types it computes: what a worker needs to load it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

enum class ComputeType : std::uint8_t { kAuto, kF32, kBF16, kF16 };

// A job's "model" with all paths absolute. Equal specs over unchanged files are the same model.
struct ModelSpec {
  std::string file;  // checkpoint; may be empty where only other parts are needed
  std::string vae;
  std::vector<std::string> text_encoders;
  std::string tokenizer;  // empty: the CLIP vocabulary that Tandem ships with
  std::string upscale;    // an upscale model; it is a model by itself, all else is empty then
  ComputeType dtype = ComputeType::kAuto;
  ComputeType text_dtype = ComputeType::kAuto;
  ComputeType vae_dtype = ComputeType::kAuto;
  std::string motion;  // motion modules between the blocks of the checkpoint's UNet; may be empty

  bool operator==(const ModelSpec&) const = default;
};

// The parts that are loaded by themselves, when a unit first needs them.
enum class ModelPart : std::uint8_t { kUnet, kText, kVae, kUpscale };

}  // namespace tandem

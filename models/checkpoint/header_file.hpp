// What a safetensors file holds, read without mapping it: how a process looks at a file that it
// does not trust.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint/read_only_file.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

class HeaderFile {
 public:
  // Throws kMissingFile and kBadCheckpoint, as ReadOnlyFile and parse_safetensors_header do. The
  // refusal of a PyTorch file (a pickle: .ckpt, .pt, .pth, .bin) says how it is converted.
  explicit HeaderFile(const std::string& path);

  const FileStamp& stamp() const { return file_.stamp(); }
  const SafetensorsHeader& header() const { return header_; }
  const ReadOnlyFile& file() const { return file_; }

  // A small tensor as float32 numbers, for what only a value tells. Throws kMissingTensor;
  // kBadCheckpoint for another element type than F32, F16, BF16 or more than a million elements.
  std::vector<float> read_numbers(std::string_view name) const;

 private:
  ReadOnlyFile file_;
  SafetensorsHeader header_;
};

}  // namespace tandem::models

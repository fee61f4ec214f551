#include "models/checkpoint/key_scan.hpp"

namespace tandem::models {

bool has_prefix(const SafetensorsHeader& header, std::string_view prefix) {
  const auto found = header.tensors.lower_bound(prefix);
  return found != header.tensors.end() && found->first.starts_with(prefix);
}

std::int64_t count_blocks(const SafetensorsHeader& header, const std::string& prefix) {
  std::int64_t count = 0;
  while (has_prefix(header, prefix + std::to_string(count) + "."))
    ++count;
  return count;
}

std::int64_t size_of_tensor(const SafetensorsHeader& header, const std::string& name,
                            std::size_t dim) {
  const SafetensorsEntry* entry = header.find(name);
  if (entry == nullptr || dim >= entry->layout.shape.size()) return -1;
  return entry->layout.shape[dim];
}

std::int64_t dims_of_tensor(const SafetensorsHeader& header, const std::string& name) {
  const SafetensorsEntry* entry = header.find(name);
  return entry == nullptr ? -1 : static_cast<std::int64_t>(entry->layout.shape.size());
}

}  // namespace tandem::models

// Questions that detection asks of a header's names and shapes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/safetensors.hpp"

namespace tandem::models {

// Whether any name begins with `prefix`.
bool has_prefix(const SafetensorsHeader& header, std::string_view prefix);

// How many of PREFIX0., PREFIX1., ... there are before the first gap.
std::int64_t count_blocks(const SafetensorsHeader& header, const std::string& prefix);

// The tensor's size along `dim`; -1 where there is no such tensor or dimension.
std::int64_t size_of_tensor(const SafetensorsHeader& header, const std::string& name,
                            std::size_t dim);

// Its number of dimensions; -1 where there is no such tensor.
std::int64_t dims_of_tensor(const SafetensorsHeader& header, const std::string& name);

}  // namespace tandem::models

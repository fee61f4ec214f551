// Shapes for messages.
#pragma once

#include <cstdint>
#include <string>

#include <c10/util/ArrayRef.h>

namespace tandem::coordinator {

// "(1, 4, 64, 64)"
inline std::string shape_text(c10::IntArrayRef shape) {
  std::string text;
  for (const std::int64_t size : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + ")";
}

}  // namespace tandem::coordinator

// Python's float(str), because the numbers in prompts are read with it.
#pragma once

#include <optional>
#include <string_view>

namespace tandem::models {

// The value of a UTF-8 text, or nothing where float() raises ValueError. Takes white space around
// the number, single underscores between digits, decimal digits of any script, "inf" and "nan"; too
// large a number is infinite.
std::optional<double> parse_python_float(std::string_view text);

}  // namespace tandem::models

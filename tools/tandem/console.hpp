// Standard output for results, standard error for the rest: one line a call.
#pragma once

#include <string_view>

#include <boost/json/value.hpp>

#include "protocol/error.hpp"

namespace tandem::client {

void print(std::string_view line);
void print_json(const boost::json::value& value);
void print_to_stderr(std::string_view line);

// "tandem: MESSAGE (CODE)" and, where there is one, "hint: HINT" on standard error.
void print_error(const Failure& failure);

}  // namespace tandem::client

// Failed system calls as tandem::Error.
#pragma once

#include <string>
#include <string_view>

#include "protocol/error.hpp"

namespace tandem::ipc {

// kResourceExhausted where descriptors, memory, processes or disk space ran out; kInternal
// otherwise.
ErrorCode code_of_errno(int number);

// "WHAT: No space left on device." `what` says what could not be done.
Error system_error(int number, std::string_view what);

// Throws system_error(errno, what).
[[noreturn]] void throw_errno(std::string_view what);

}  // namespace tandem::ipc

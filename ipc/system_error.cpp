#include "ipc/system_error.hpp"

#include <cerrno>
#include <system_error>

namespace tandem::ipc {

ErrorCode code_of_errno(int number) {
  switch (number) {
    case EAGAIN:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case ENOSPC:
    case ETOOMANYREFS:
      return ErrorCode::kResourceExhausted;
    default:
      return ErrorCode::kInternal;
  }
}

Error system_error(int number, std::string_view what) {
  return Error(code_of_errno(number),
               std::string(what) + ": " + std::generic_category().message(number) + ".");
}

void throw_errno(std::string_view what) {
  throw system_error(errno, what);
}

}  // namespace tandem::ipc

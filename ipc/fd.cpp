#include "ipc/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "ipc/system_error.hpp"

namespace tandem::ipc {

void Fd::reset(int number) noexcept {
  const int old = std::exchange(number_, number);
  // Linux frees the number even where close() fails: it is never called again.
  if (old >= 0) ::close(old);
}

Fd Fd::duplicate(int least) const {
  Fd copy(::fcntl(number_, F_DUPFD_CLOEXEC, least));
  if (!copy.valid()) throw_errno("A descriptor could not be duplicated");
  return copy;
}

}  // namespace tandem::ipc

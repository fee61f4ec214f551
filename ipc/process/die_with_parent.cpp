#include "ipc/process/die_with_parent.hpp"

#include <csignal>
#include <cstdlib>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

namespace tandem::ipc {

void die_with_parent() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const char* parent = std::getenv(kParentVariable);
  // The parent may have ended before the kernel was asked to watch it.
  if (parent != nullptr && std::to_string(::getppid()) != parent) ::raise(SIGKILL);
}

}  // namespace tandem::ipc

// Who is at the other end of a Unix socket.
#pragma once

#include <sys/types.h>

namespace tandem::ipc {

struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

// As the kernel recorded them when the peer connected (or listened). Throws kInternal.
PeerCredentials peer_credentials(int socket);

}  // namespace tandem::ipc

#include "ipc/socket/peer.hpp"

#include <sys/socket.h>

#include "ipc/system_error.hpp"

namespace tandem::ipc {

PeerCredentials peer_credentials(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    throw_errno("The user at the other end of a socket is unknown");
  }
  return {credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace tandem::ipc

// Where the service's socket is.
#pragma once

#include <filesystem>
#include <sys/socket.h>
#include <sys/un.h>

namespace tandem::ipc {

// $TANDEM_SOCKET, else tandem/tandem.sock below $XDG_RUNTIME_DIR or /run/user/UID, else
// /tmp/tandem-UID/tandem.sock.
std::filesystem::path default_socket_path();

// Throws kOutOfRange for a path longer than the 107 bytes that the kernel takes.
sockaddr_un socket_address(const std::filesystem::path& path);

}  // namespace tandem::ipc

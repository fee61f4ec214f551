#include "ipc/socket/socket_path.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

std::filesystem::path environment_path(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::filesystem::path runtime_directory() {
  if (auto path = environment_path("XDG_RUNTIME_DIR"); !path.empty()) return path / "tandem";
  const std::string user = std::to_string(::geteuid());
  const std::filesystem::path usual = "/run/user/" + user;
  std::error_code ignored;
  if (std::filesystem::is_directory(usual, ignored)) return usual / "tandem";
  return "/tmp/tandem-" + user;
}

}  // namespace

std::filesystem::path default_socket_path() {
  if (auto path = environment_path("TANDEM_SOCKET"); !path.empty()) return path;
  return runtime_directory() / "tandem.sock";
}

sockaddr_un socket_address(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  const std::size_t most = sizeof(address.sun_path) - 1;
  if (text.empty() || text.size() > most) {
    throw Error(ErrorCode::kOutOfRange,
                "A socket's path has 1 to " + std::to_string(most) + " bytes, but this one has " +
                    std::to_string(text.size()) + ": " + text + ".",
                "Choose a shorter one with --socket or TANDEM_SOCKET.", text);
  }
  std::copy(text.begin(), text.end(), std::begin(address.sun_path));
  return address;
}

}  // namespace tandem::ipc

#include "ipc/socket/socket_path.hpp"

#include <cstdlib>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

class SocketPath : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("TANDEM_SOCKET");
    ::unsetenv("XDG_RUNTIME_DIR");
  }
  void TearDown() override { SetUp(); }
};

TEST_F(SocketPath, ComesFromTheEnvironment) {
  ::setenv("XDG_RUNTIME_DIR", "/run/somebody", 1);
  EXPECT_EQ(default_socket_path(), "/run/somebody/tandem/tandem.sock");
  ::setenv("TANDEM_SOCKET", "/elsewhere/my.sock", 1);
  EXPECT_EQ(default_socket_path(), "/elsewhere/my.sock");
}

TEST_F(SocketPath, HasAPlaceWithoutOne) {
  ::setenv("XDG_RUNTIME_DIR", "", 1);
  const std::string user = std::to_string(::geteuid());
  const std::string expected = std::filesystem::is_directory("/run/user/" + user)
                                   ? "/run/user/" + user + "/tandem/tandem.sock"
                                   : "/tmp/tandem-" + user + "/tandem.sock";
  EXPECT_EQ(default_socket_path(), expected);
}

TEST_F(SocketPath, FitsAnAddressOrIsRefused) {
  const std::string longest = "/" + std::string(106, 'x');
  EXPECT_EQ(std::string(socket_address(longest).sun_path), longest);
  EXPECT_EQ(socket_address(longest).sun_family, AF_UNIX);
  EXPECT_THROW(socket_address(longest + "x"), Error);
  EXPECT_THROW(socket_address(""), Error);
}

}  // namespace
}  // namespace tandem::ipc

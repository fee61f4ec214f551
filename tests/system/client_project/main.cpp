// Asks the service at a socket for its version, or says why it cannot.
#include <cstdio>
#include <string>

#include "protocol/error.hpp"
#include "tools/client/client.hpp"

int main(int, char** argv) {
  try {
    const tandem::client::Client client(argv[1], "ask");
    std::printf("%s\n", client.service().version.c_str());
  } catch (const tandem::Error& error) {
    std::printf("%s: %s\n", std::string(tandem::name(error.code())).c_str(), error.what());
  }
  return 0;
}

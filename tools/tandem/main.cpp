// tandem: launcher and client. Links no LibTorch, so that it starts in milliseconds.
#include "tools/tandem/command_line.hpp"

int main(int argc, char** argv) {
  return tandem::client::run_command_line(argc, argv);
}

// A plug-in of another version of the interface: nothing behind its version may be read.
#include <cstdint>

extern "C" __attribute__((visibility("default"))) const std::uint32_t* tandem_plugin() {
  static constexpr std::uint32_t kVersion = 4000;
  return &kVersion;
}

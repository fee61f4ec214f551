#include "coordinator/workers/device_memory.hpp"

#include <fstream>

namespace tandem::coordinator {
namespace {

// A line of /proc/meminfo in bytes; 0 where it is not there.
std::uint64_t memory_figure(const std::string& wanted) {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::uint64_t kibibytes = 0;
  std::string unit;
  while (file >> key >> kibibytes) {
    if (key == wanted) return kibibytes * 1024;
    std::getline(file, unit);
  }
  return 0;
}

}  // namespace

std::uint64_t memory_total(const std::string& kind) {
  return kind == "cpu" ? memory_figure("MemTotal:") : 0;
}

std::uint64_t memory_free(const std::string& kind) {
  return kind == "cpu" ? memory_figure("MemAvailable:") : 0;
}

}  // namespace tandem::coordinator

#include "coordinator/workers/device_memory.hpp"

#include <algorithm>
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

void MemoryFigures::note_total(const std::string& device, std::uint64_t bytes) {
  told_[device].total = bytes;
}

void MemoryFigures::note_free(const std::string& device, std::uint64_t bytes, std::uint64_t held) {
  told_[device].free_and_held = bytes + held;
}

std::uint64_t MemoryFigures::total(const std::string& device) const {
  if (device == "cpu") return memory_figure("MemTotal:");
  const auto told = told_.find(device);
  return told == told_.end() ? 0 : told->second.total;
}

std::uint64_t MemoryFigures::free(const std::string& device, std::uint64_t held) const {
  if (device == "cpu") return memory_figure("MemAvailable:");
  const auto told = told_.find(device);
  if (told == told_.end()) return 0;
  return told->second.free_and_held - std::min(held, told->second.free_and_held);
}

}  // namespace tandem::coordinator

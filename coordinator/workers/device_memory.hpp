// How much memory devices have, as far as this process can tell.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tandem::coordinator {

// Bytes: the machine's for "cpu"; a GPU's own, as its driver told a worker; 0 for a simulated
// device, which has none, and for one that nobody has told of yet.
class MemoryFigures {
 public:
  void note_total(const std::string& device, std::uint64_t bytes);
  // `held`: what models took of the device at that moment.
  void note_free(const std::string& device, std::uint64_t bytes, std::uint64_t held);

  std::uint64_t total(const std::string& device) const;
  // `held`: what models take now; what they let go of since the figure was noted is free as well.
  std::uint64_t free(const std::string& device, std::uint64_t held) const;

 private:
  struct Told {
    std::uint64_t total = 0;
    std::uint64_t free_and_held = 0;
  };

  std::map<std::string, Told> told_;
};

}  // namespace tandem::coordinator

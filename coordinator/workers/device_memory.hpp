// How much memory devices have, as far as this process can tell.
#pragma once

#include <cstdint>
#include <string>

namespace tandem::coordinator {

// Bytes of a device of the kind: the machine's for "cpu"; 0 for a simulated one, which has none.
std::uint64_t memory_total(const std::string& kind);
std::uint64_t memory_free(const std::string& kind);

}  // namespace tandem::coordinator

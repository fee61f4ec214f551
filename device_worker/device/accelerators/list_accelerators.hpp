// Which accelerators this process's LibTorch has.
#pragma once

#include <vector>

#include "device_worker/device/accelerators/accelerator_type.hpp"
#include "protocol/accelerators.hpp"

namespace tandem::worker {

// Asks each type in turn; nothing is thrown, but for want of memory. Where no count can be had, the
// current device alone is listed. `current` is the type that LibTorch takes, where a device of it
// can be used, else the first type that has one. Must come before anything else asks LibTorch for
// CUDA.
AcceleratorList list_accelerators(const std::vector<AcceleratorType>& types);

// Writes the list of all types to standard output, as JSON on one line, and ends the process; by a
// signal, where LibTorch does not answer within kListSeconds.
[[noreturn]] void print_accelerators();
inline constexpr unsigned kListSeconds = 60;

}  // namespace tandem::worker

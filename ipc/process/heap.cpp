#include "ipc/process/heap.hpp"

#include <malloc.h>

namespace tandem::ipc {
namespace {

constexpr int kMiB = 1 << 20;
constexpr int kLargestKept = 32 * kMiB;  // the most that glibc takes; larger blocks are mapped
constexpr int kMostKept = 512 * kMiB;
constexpr int kGrowth = 16 * kMiB;

}  // namespace

void keep_freed_memory() {
  ::mallopt(M_MMAP_THRESHOLD, kLargestKept);
  ::mallopt(M_TRIM_THRESHOLD, kMostKept);
  ::mallopt(M_TOP_PAD, kGrowth);
}

void return_freed_memory() {
  ::malloc_trim(0);
}

}  // namespace tandem::ipc

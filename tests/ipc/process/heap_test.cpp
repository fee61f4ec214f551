#include "ipc/process/heap.hpp"

#include <cstdlib>
#include <cstring>
#include <sys/resource.h>

#include <gtest/gtest.h>

namespace tandem::ipc {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsGlibcs = false;
#else
constexpr bool kIsGlibcs = true;
#endif

long page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

long faults_of_blocks(int blocks) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  const long before = page_faults();
  for (int i = 0; i < blocks; ++i) {
    void* block = std::malloc(kBytes);
    std::memset(block, i, kBytes);
    asm volatile("" : : "r"(block) : "memory");  // else the block is optimised away
    std::free(block);
  }
  return page_faults() - before;
}

TEST(Heap, BlocksThatComeAndGoFaultOnce) {
  if (!kIsGlibcs) GTEST_SKIP() << "the sanitizer has an allocator of its own";
  keep_freed_memory();
  EXPECT_GT(faults_of_blocks(1), 0);
  // A block has 256 pages; each block anew would be 5120 faults.
  EXPECT_LT(faults_of_blocks(20), 512);
  return_freed_memory();
  EXPECT_GT(faults_of_blocks(1), 0);
}

}  // namespace
}  // namespace tandem::ipc

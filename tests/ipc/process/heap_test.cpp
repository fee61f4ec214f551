#include "ipc/process/heap.hpp"

#include <cstring>
#include <memory>
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
    const auto block = std::make_unique<char[]>(kBytes);
    std::memset(block.get(), i, kBytes);
  }
  return page_faults() - before;
}

TEST(Heap, BlocksThatComeAndGoFaultOnce) {
  if (!kIsGlibcs) GTEST_SKIP() << "the sanitizer has an allocator of its own";
  keep_freed_memory();
  faults_of_blocks(1);
  // A block has 256 pages.
  EXPECT_LT(faults_of_blocks(20), 256);
  return_freed_memory();
  EXPECT_GE(faults_of_blocks(1), 200);
}

}  // namespace
}  // namespace tandem::ipc

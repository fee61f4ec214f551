// What a system test has programs load before their own libraries: the private-use back end, of
// which TANDEM_TEST_NPU says how it answers.
#include <cstdlib>

#include "tests/device_worker/accelerators/fake_npu.hpp"

namespace {

[[gnu::constructor]] void register_npu() {
  const char* count = std::getenv("TANDEM_TEST_NPU");
  if (count != nullptr) tandem::test::registered_npu().count = tandem::test::npu_count(count);
}

}  // namespace

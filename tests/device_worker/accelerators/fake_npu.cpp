#include "tests/device_worker/accelerators/fake_npu.hpp"

#include <chrono>
#include <thread>

#include <c10/core/DeviceType.h>

namespace tandem::test {

NpuCount npu_count(const std::string& name) {
  if (name == "throws") return NpuCount::kThrows;
  if (name == "untold") return NpuCount::kUntold;
  if (name == "none") return NpuCount::kNoDevice;
  return name == "hangs" ? NpuCount::kHangs : NpuCount::kThree;
}

c10::DeviceIndex FakeNpu::deviceCount() const {
  while (count == NpuCount::kHangs)
    std::this_thread::sleep_for(std::chrono::hours(1));
  TORCH_CHECK(count != NpuCount::kThrows, "the driver does not answer");
  return count == NpuCount::kThree ? 3 : 0;
}

FakeNpu& registered_npu() {
  static FakeNpu* const npu = [] {
    auto* made = new FakeNpu();
    c10::register_privateuse1_backend("npu");
    at::RegisterPrivateUse1HooksInterface(made);
    return made;
  }();
  return *npu;
}

}  // namespace tandem::test

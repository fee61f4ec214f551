// A private-use back end of LibTorch's called npu, as a vendor's library brings it, without a
// device.
#pragma once

#include <string>

#include <ATen/detail/PrivateUse1HooksInterface.h>

namespace tandem::test {

enum class NpuCount { kThree, kThrows, kUntold, kNoDevice, kHangs };

// "three", "throws", "untold", "none", "hangs".
NpuCount npu_count(const std::string& name);

class FakeNpu : public at::PrivateUse1HooksInterface {
 public:
  static constexpr c10::DeviceIndex kCurrent = 1;

  NpuCount count = NpuCount::kThree;

  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return count != NpuCount::kNoDevice; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return false; }
  c10::DeviceIndex getCurrentDevice() const override { return kCurrent; }
  c10::DeviceIndex deviceCount() const override;
};

// The process's one. Registers it with the first call.
FakeNpu& registered_npu();

}  // namespace tandem::test

// What a test has a program load before its own libraries: LibTorch's CUDA half as a ROCm build has
// it, with two devices. Not beside a real one.
#include <cstdlib>
#include <memory>

#include <ATen/detail/CUDAHooksInterface.h>

namespace {

struct RocmHooks : at::CUDAHooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasROCM() const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 2; }
};

[[gnu::constructor]] void register_rocm() {
  at::CUDAHooksRegistry()->Register(
      "CUDAHooks", [](at::CUDAHooksArgs) -> std::unique_ptr<at::CUDAHooksInterface> {
        return std::make_unique<RocmHooks>();
      });
}

}  // namespace

#include <ATen/Context.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "device_worker/device/accelerators/accelerator_type.hpp"
#include "device_worker/device/gpu_module.hpp"

namespace tandem::worker {
namespace {

using c10::DeviceType;

std::function<std::string()> named(const char* name) {
  return [name] { return std::string(name); };
}

// A ROCm build of LibTorch passes its HIP devices off as CUDA's.
bool is_rocm() {
  return at::globalContext().hasROCM();
}

// LibTorch's own word for it where the interface has none.
std::function<bool()> has_guard(DeviceType type) {
  return [type] { return c10::impl::hasDeviceGuardImpl(type); };
}

AcceleratorType cuda() {
  AcceleratorType cuda;
  cuda.type = DeviceType::CUDA;
  cuda.name = named("cuda");
  cuda.load = load_gpu_module;
  cuda.is_built = [] { return at::detail::getCUDAHooks().isBuilt() && !is_rocm(); };
  cuda.hooks = at::detail::getCUDAHooks;
  cuda.backend = "gpu";
  cuda.description = gpu_name;
  return cuda;
}

AcceleratorType hip() {
  AcceleratorType hip;
  hip.type = DeviceType::HIP;
  hip.name = named("hip");
  hip.is_built = [] { return is_rocm() || at::globalContext().hasHIP(); };
  hip.hooks = []() -> const at::AcceleratorHooksInterface& {
    if (is_rocm()) return at::detail::getCUDAHooks();
    return at::detail::getHIPHooks();
  };
  return hip;
}

// "npu", "mlu": what the library that brings it has registered it as.
AcceleratorType private_use() {
  AcceleratorType type;
  type.type = DeviceType::PrivateUse1;
  type.name = [] { return c10::get_privateuse1_backend(); };
  type.is_built = at::isPrivateUse1HooksRegistered;
  type.hooks = at::detail::getPrivateUse1Hooks;
  return type;
}

// One that LibTorch's interface says all of.
template <class Hooks>
AcceleratorType plain(DeviceType type, const char* name, std::function<bool()> is_built,
                      const Hooks& (*hooks)()) {
  return {type, named(name), {}, std::move(is_built), hooks};
}

}  // namespace

// THE list of types of accelerators.
std::vector<AcceleratorType> accelerator_types() {
  using namespace at::detail;
  return {
      cuda(),
      hip(),
      plain(
          DeviceType::XPU, "xpu", [] { return getXPUHooks().isBuilt(); }, getXPUHooks),
      plain(
          DeviceType::MPS, "mps", [] { return getMPSHooks().isBuilt(); }, getMPSHooks),
      private_use(),
      plain(
          DeviceType::MTIA, "mtia", [] { return getMTIAHooks().hasMTIA(); }, getMTIAHooks),
      plain(
          DeviceType::HPU, "hpu", [] { return getHPUHooks().hasHPU(); }, getHPUHooks),
      plain(
          DeviceType::XLA, "xla", [] { return getXLAHooks().hasXLA(); }, getXLAHooks),
      plain(DeviceType::MAIA, "maia", has_guard(DeviceType::MAIA), getMAIAHooks),
      plain(DeviceType::IPU, "ipu", has_guard(DeviceType::IPU), getIPUHooks),
  };
}

}  // namespace tandem::worker

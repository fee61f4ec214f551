#include "device_worker/device/device.hpp"

#include <array>

#include "device_worker/device/cpu_device.hpp"
#include "device_worker/device/gpu_device.hpp"
#include "device_worker/device/sim_device.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

struct DeviceRow {
  std::string_view kind;
  std::unique_ptr<Device> (*make)(std::string_view which, const DeviceOptions& options);
};

// THE list of device kinds.
constexpr std::array kDevices = {
    DeviceRow{"cpu", make_cpu_device},
    DeviceRow{"gpu", make_gpu_device},
    DeviceRow{"sim", make_sim_device},
};

}  // namespace

ImportedSlab Device::import_slab(const SlabOffer&) {
  throw Error(ErrorCode::kUnsupported, "this worker computes on no GPU");
}

std::unique_ptr<Device> make_device(std::string_view name, const DeviceOptions& options) {
  const auto at = name.find_first_of("@:");
  const std::string_view which =
      at == std::string_view::npos ? std::string_view() : name.substr(at + 1);
  for (const DeviceRow& row : kDevices) {
    if (row.kind == name.substr(0, at)) return row.make(which, options);
  }
  throw Error(ErrorCode::kUnsupported,
              "This build has no device of the kind '" + std::string(name.substr(0, at)) + "'.");
}

}  // namespace tandem::worker

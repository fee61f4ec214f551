#include "device_worker/device/cpu_device.hpp"

#include <fstream>
#include <unistd.h>

#include <ATen/Parallel.h>

#include "device_worker/device/torch_model.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

// "model name" of the first processor; "CPU" where the kernel does not say.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

std::uint64_t memory_total() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0
             ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page)
             : 0;
}

class CpuDevice : public Device {
 public:
  explicit CpuDevice(const DeviceOptions& options)
      : threads_(options.threads), attached_files_(options.attached_files) {
    at::set_num_threads(threads_);
  }

  void describe(WorkerHello& hello) const override {
    hello.device = "cpu";
    hello.description = processor_name();
    hello.threads = threads_;
    hello.memory_total = memory_total();
  }

  std::unique_ptr<LoadedModel> open(const ModelSpec& spec) override {
    return std::make_unique<TorchModel>(
        models::Model::open(spec, {at::kCPU, {}, {}, attached_files_}));
  }

 private:
  int threads_;
  std::shared_ptr<const models::AttachedFiles> attached_files_;
};

}  // namespace

std::unique_ptr<Device> make_cpu_device(std::string_view which, const DeviceOptions& options) {
  if (!which.empty()) {
    throw Error(ErrorCode::kBadRequest, "A CPU worker takes no options after @.");
  }
  return std::make_unique<CpuDevice>(options);
}

}  // namespace tandem::worker

#include "coordinator/service/device_choice.hpp"

#include <algorithm>

namespace tandem::coordinator {
namespace {

// LibTorch's name of what Tandem calls a GPU.
const char* cuda_hint(const job::DeviceName& asked) {
  return kind_of_device(asked) == "cuda" ? " An NVIDIA GPU is called gpu:N." : "";
}

}  // namespace

PartDevices choose_devices(const job::Model& model, const std::vector<WorkerSpec>& workers,
                           std::vector<WarningEvent>& warnings) {
  const std::string& fallback = workers.front().kind;
  const auto choose = [&](const job::DeviceName& asked, const char* key, bool may_leave_gpu) {
    if (asked == "default") return fallback;
    if (asked == "cpu") {
      if (may_leave_gpu || fallback != "gpu") return asked;
      warnings.push_back({"device_refused", std::string(key) +
                                                ": a VAE does not leave a GPU for the CPU; it "
                                                "stays on the default device."});
      return fallback;
    }
    const auto is_asked = [&](const WorkerSpec& worker) { return worker.place() == asked; };
    if (std::ranges::any_of(workers, is_asked)) return asked;
    warnings.push_back({"unknown_device", std::string(key) + ": there is no " + asked +
                                              " here; the part stays on the default device." +
                                              cuda_hint(asked)});
    return fallback;
  };
  return {choose(model.device, "model.device", true),
          choose(model.text_device, "model.text_device", true),
          choose(model.vae_device, "model.vae_device", false)};
}

std::string kind_of_device(const std::string& device) {
  return device.substr(0, device.find(':'));
}

}  // namespace tandem::coordinator

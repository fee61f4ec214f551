#include "device_worker/device/gpu_module.hpp"

#include <dlfcn.h>
#include <filesystem>

#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

[[noreturn]] void refuse(const std::string& why, const char* hint) {
  throw Error(ErrorCode::kNoWorker, "GPU workers cannot run here: " + why + ".", hint);
}

std::string loader_message() {
  const char* message = ::dlerror();
  return message != nullptr ? message : "the module could not be loaded";
}

void* load_module() {
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const std::filesystem::path path = folder / kGpuModuleFile;
  if (!std::filesystem::exists(path)) {
    refuse(std::string("this build has no ") + kGpuModuleFile,
           "Build with -DTANDEM_CUDA=ON; docs/gpu.md says what that needs.");
  }
  // Global, so that LibTorch's kernels register themselves for the whole process.
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (module == nullptr) {
    refuse(loader_message(),
           "`tools/setup --cuda` brings the NVIDIA libraries that LibTorch needs.");
  }
  return module;
}

template <class Function>
Function* find(const char* name) {
  auto* function = reinterpret_cast<Function*>(::dlsym(load_module(), name));
  if (function == nullptr) refuse(loader_message(), "Build Tandem anew.");
  return function;
}

}  // namespace

void load_gpu_module() {
  load_module();
}

std::string gpu_name(int position) {
  std::string name;
  find<GpuName>(kGpuName)(position, name);
  return name;
}

std::unique_ptr<GpuBackend> load_gpu_backend(int position) {
  std::unique_ptr<GpuBackend> backend(
      find<GpuBackendFactory>(kGpuBackendFactory)(kGpuBackendVersion, position));
  if (!backend) {
    refuse(std::string(kGpuModuleFile) + " is of another version of Tandem", "Build Tandem anew.");
  }
  return backend;
}

}  // namespace tandem::worker

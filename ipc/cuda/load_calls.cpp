#include "ipc/cuda/load_calls.hpp"

#include <dlfcn.h>
#include <string>

#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::kUnsupported, "CUDA's runtime cannot be used here: " + why + ".");
}

std::string loader_message() {
  const char* message = ::dlerror();
  return message != nullptr ? message : "the module could not be loaded";
}

}  // namespace

CudaCalls& load_cuda_calls(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kCudaCallsFile;
  if (!std::filesystem::exists(path)) refuse(std::string("this build has no ") + kCudaCallsFile);
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) refuse(loader_message());
  auto* factory = reinterpret_cast<CudaCallsFactory*>(::dlsym(module, kCudaCallsFactory));
  if (factory == nullptr) refuse(loader_message());
  CudaCalls* calls = factory(kCudaCallsVersion);
  if (calls == nullptr) refuse(std::string(kCudaCallsFile) + " is of another version of Tandem");
  return *calls;
}

}  // namespace tandem::ipc

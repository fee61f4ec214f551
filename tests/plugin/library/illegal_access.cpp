// A plug-in whose hook breaks the CUDA context of one worker: a kernel writes where no memory is.
// An error of that kind stays with the context (docs/gpu.md). It does so once for a file name, so
// that the unit can be run again.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

#include <tandem/plugin.hpp>

namespace {

using tandem::plugin::HookPoint;
using tandem::plugin::HookRow;
using tandem::plugin::Options;

constexpr const char* kKernel = R"(
.version 6.5
.target sm_75
.address_size 64
.visible .entry write_nowhere() {
  .reg .b64 %address;
  .reg .b32 %value;
  mov.u64 %address, 64;
  mov.u32 %value, 1;
  st.global.u32 [%address], %value;
  ret;
}
)";

// The driver's interface, as cuda.h declares it: this is built where no CUDA is.
using ModuleLoadData = int(void** module, const void* image);
using ModuleGetFunction = int(void** function, void* module, const char* name);
using LaunchKernel = int(void* function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                         unsigned shared_bytes, void* stream, void** parameters, void** extra);

template <class Function>
Function* find(void* driver, const char* name) {
  void* symbol = ::dlsym(driver, name);
  if (symbol == nullptr) throw std::runtime_error(std::string("the driver has no ") + name);
  return reinterpret_cast<Function*>(symbol);
}

void check(int result, const char* what) {
  if (result != 0)
    throw std::runtime_error(std::string(what) + " answers " + std::to_string(result));
}

void write_nowhere() {
  void* driver = ::dlopen("libcuda.so.1", RTLD_NOW);
  if (driver == nullptr) throw std::runtime_error("there is no CUDA driver");
  void* module = nullptr;
  void* kernel = nullptr;
  check(find<ModuleLoadData>(driver, "cuModuleLoadData")(&module, kKernel), "cuModuleLoadData");
  check(find<ModuleGetFunction>(driver, "cuModuleGetFunction")(&kernel, module, "write_nowhere"),
        "cuModuleGetFunction");
  check(find<LaunchKernel>(driver, "cuLaunchKernel")(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr,
                                                     nullptr),
        "cuLaunchKernel");
}

class IllegalAccess : public tandem::plugin::Hook {
 public:
  explicit IllegalAccess(std::string once) : once_(std::move(once)) {}

  void inject(const tandem::plugin::Pass&) override {
    const int file = ::open(once_.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return;
    ::close(file);
    write_nowhere();
  }

 private:
  std::string once_;
};

class IllegalAccessPlugin : public tandem::plugin::Plugin {
 public:
  std::string name() const override { return "illegal_access"; }
  std::vector<HookRow> hooks() const override {
    return {{HookPoint::kInjection, [](const Options& options) {
               options.allow({"once"});
               return std::unique_ptr<tandem::plugin::Hook>(
                   std::make_unique<IllegalAccess>(options.text("once", "")));
             }}};
  }
};

}  // namespace

TANDEM_PLUGIN(IllegalAccessPlugin)

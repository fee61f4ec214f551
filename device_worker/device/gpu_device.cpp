#include "device_worker/device/gpu_device.hpp"

#include <charconv>
#include <cstdio>
#include <unistd.h>
#include <utility>

#include <ATen/Context.h>
#include <c10/util/Exception.h>

#include "device_worker/device/gpu_module.hpp"
#include "device_worker/device/network_graphs.hpp"
#include "device_worker/device/torch_model.hpp"
#include "ipc/memory/shared_segment.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

// The graphs' share of the device's memory.
constexpr std::uint64_t kGraphShare = 8;
constexpr std::size_t kPage = 4096;
constexpr int kExitBrokenContext = 70;
constexpr int kCudaErrorMemoryAllocation = 2;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

int parse_position(std::string_view text) {
  int position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error == std::errc() && end == text.data() + text.size() && position >= 0) return position;
  throw Error(ErrorCode::kBadRequest, "A GPU worker needs the GPU's position, as in gpu:0.");
}

// The same unit must give the same bits in every process: algorithms are chosen by rule, never by
// measurement, and float32 is float32.
void compute_deterministically() {
  at::Context& context = at::globalContext();
  context.setBenchmarkCuDNN(false);
  context.setDeterministicCuDNN(true);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

bool says_out_of_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (const auto* cuda = dynamic_cast<const c10::AcceleratorError*>(&error)) {
    return cuda->get_error_code() == kCudaErrorMemoryAllocation;
  }
  return std::string_view(error.what_without_backtrace()).find("_STATUS_ALLOC_FAILED") !=
         std::string_view::npos;
}

Error out_of_memory(const FailedAllocations& failed) {
  Failure failure{ErrorCode::kOutOfMemory,
                  "The GPU has no room for " + std::to_string(failed.needed / kMiB) +
                      " MiB more; " + std::to_string(failed.free / kMiB) + " MiB are free.",
                  "Fewer or smaller pictures at once need less, and so do models in fp16 or bf16."};
  failure.needed_bytes = failed.needed;
  failure.free_bytes = failed.free;
  return Error(std::move(failure));
}

class Registration : public PinnedMemory {
 public:
  Registration(GpuBackend& backend, void* data) : backend_(backend), data_(data) {}
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration() override { backend_.unpin(data_); }

 private:
  GpuBackend& backend_;
  void* data_;
};

class GpuDevice : public Device {
 public:
  GpuDevice(std::unique_ptr<GpuBackend> backend, GpuPlace place, const DeviceOptions& options)
      : backend_(std::move(backend)),
        place_(std::move(place)),
        description_(backend_->describe()),
        graphs_(*backend_, backend_->memory().total / kGraphShare),
        uses_graphs_(options.cuda_graphs),
        attached_files_(options.attached_files) {
    compute_deterministically();
  }

  void describe(WorkerHello& hello) const override {
    const GpuMemory memory = backend_->memory();
    hello.device = place_.name;
    hello.description = description_.name;
    hello.has_bfloat16 = description_.has_bfloat16;
    hello.memory_total = memory.total;
    hello.memory_free = memory.free;
    hello.transport = can_pin() ? Transport::kPinned : Transport::kPageable;
  }

  std::unique_ptr<LoadedModel> open(const ModelSpec& spec) override {
    models::ModelDevice device;
    device.device = place_.device;
    device.types = {true, description_.has_bfloat16};
    device.attached_files = attached_files_;
    if (uses_graphs_) {
      device.wrap_network = [this](models::Network network) {
        return graphs_.wrap(std::move(network));
      };
    }
    return std::make_unique<TorchModel>(models::Model::open(spec, std::move(device)));
  }

  std::uint64_t memory_free() override { return backend_->memory().free; }
  void release_memory() override {
    backend_->synchronize();
    backend_->empty_cache();
  }

  std::unique_ptr<PinnedMemory> pin(std::span<const std::byte> memory, bool writable) override {
    void* data = const_cast<std::byte*>(memory.data());
    if (const auto failure = backend_->pin(data, memory.size(), writable)) {
      std::fprintf(stderr, "shared memory stays pageable, copies are slower: %s\n",
                   failure->c_str());
      return nullptr;
    }
    return std::make_unique<Registration>(*backend_, data);
  }

  ImportedSlab import_slab(const SlabOffer& offer) override {
    return {std::make_unique<ipc::SlabView>(backend_->cuda(), backend_->position(),
                                            backend_->stream(), offer),
            place_.device};
  }

  void run(const std::function<void()>& work) override;
  std::string reason_to_end() const override { return reason_to_end_; }

 private:
  // What it lacked the memory for; nothing where it was done.
  std::optional<FailedAllocations> attempt(const std::function<void()>& work);
  void check_context();
  bool can_pin() const;

  std::unique_ptr<GpuBackend> backend_;
  GpuPlace place_;
  GpuDescription description_;
  NetworkGraphs graphs_;
  bool uses_graphs_;
  std::shared_ptr<const models::AttachedFiles> attached_files_;
  std::string reason_to_end_;
};

void GpuDevice::run(const std::function<void()>& work) {
  auto failed = attempt(work);
  if (!failed) return;
  if (reason_to_end_.empty()) {
    graphs_.clear();
    release_memory();
    failed = attempt(work);
    if (!failed) return;
  }
  throw out_of_memory(*failed);
}

std::optional<FailedAllocations> GpuDevice::attempt(const std::function<void()>& work) {
  bool told = false;
  static_cast<void>(backend_->take_failed_allocations());  // of work that failed for another reason
  try {
    work();
  } catch (const c10::Error& error) {
    check_context();
    if (!says_out_of_memory(error)) throw;
    told = true;
  } catch (const Error&) {
    check_context();
    throw;
  }
  FailedAllocations failed = backend_->take_failed_allocations();
  if (failed.count > (told ? 1 : 0)) {
    // cuDNN's convolution went on with a smaller workspace, and LibTorch keeps that choice: from
    // now on this process may give other bits than its siblings.
    reason_to_end_ = "an algorithm was chosen for want of memory";
  }
  if (!told && failed.count == 0) return std::nullopt;
  if (failed.count == 0) failed.free = backend_->memory().free;
  return failed;
}

// Asked of the driver by doing it, with a page like those of segments.
bool GpuDevice::can_pin() const {
  const auto page = ipc::SharedSegment::create("tandem-probe", kPage);
  void* data = page.writable_bytes().data();
  if (backend_->pin(data, kPage, true)) return false;
  backend_->unpin(data);
  return true;
}

// An error that stays with the context makes every later call fail, clean-up included.
void GpuDevice::check_context() {
  const auto words = backend_->broken();
  if (!words) return;
  std::fprintf(stderr, "%s: CUDA says: %s. The process ends: nothing can be computed in it.\n",
               place_.name.c_str(), words->c_str());
  std::fflush(stderr);
  ::_exit(kExitBrokenContext);
}

}  // namespace

std::unique_ptr<Device> make_gpu_device(std::unique_ptr<GpuBackend> backend, GpuPlace place,
                                        const DeviceOptions& options) {
  return std::make_unique<GpuDevice>(std::move(backend), std::move(place), options);
}

std::unique_ptr<Device> make_gpu_device(std::string_view position, const DeviceOptions& options) {
  const int index = parse_position(position);
  GpuPlace place = {"gpu:" + std::to_string(index),
                    at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index))};
  return make_gpu_device(load_gpu_backend(index), std::move(place), options);
}

}  // namespace tandem::worker

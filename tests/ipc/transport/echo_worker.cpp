#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/cuda/device.hpp"
#include "ipc/cuda/load_calls.hpp"
#include "ipc/memory/shared_segment.hpp"
#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "ipc/transport/cuda_ipc/slab_view.hpp"
#include "tests/ipc/transport/echo.hpp"
#include "tests/ipc/transport/echo_messages.hpp"

namespace tandem::ipc {
namespace {

constexpr std::chrono::microseconds kSpin{200};

// Input to memory of the worker's own, and from there to the result.
class EchoWorker {
 public:
  EchoWorker(Way way, int gpu) : way_(way), gpu_(gpu) {
    if (way == Way::kPlain) return;
    calls_ = &load_cuda_calls(std::filesystem::read_symlink("/proc/self/exe").parent_path());
    device_ = std::make_unique<CudaDevice>(*calls_, gpu);
    stream_ = device_->create_stream();
  }

  void attach(const EchoSegments& segments, std::vector<Fd> fds) {
    inputs_ = SharedSegment::attach_read_only(std::move(fds.at(0)), segments.bytes);
    results_ = SharedSegment::attach(std::move(fds.at(1)), segments.bytes);
    if (way_ == Way::kPlain) {
      own_.resize(segments.bytes);
      return;
    }
    own_on_gpu_ = device_->allocate(segments.bytes);
    if (way_ != Way::kPinned) return;
    auto* inputs = const_cast<std::byte*>(inputs_->bytes().data());
    pinned_inputs_ = device_->register_host(inputs, segments.bytes, false);
    pinned_results_ =
        device_->register_host(results_->writable_bytes().data(), segments.bytes, true);
  }

  void attach(const EchoSlab& slab) {
    slab_ = slab;
    view_ = std::make_unique<SlabView>(*calls_, gpu_, stream_.get(), slab.offer);
  }

  void trip(const EchoTrip& trip) {
    switch (way_) {
      case Way::kPlain:
        std::memcpy(own_.data(), inputs_->bytes().first(trip.bytes).data(), trip.bytes);
        std::memcpy(results_->writable_bytes().first(trip.bytes).data(), own_.data(), trip.bytes);
        return;
      case Way::kPinned:
        copy(own_on_gpu_.get(), inputs_->bytes().data(), trip.bytes, CopyKind::kToDevice);
        copy(results_->writable_bytes().data(), own_on_gpu_.get(), trip.bytes, CopyKind::kToHost);
        device_->synchronize_stream(stream_.get());
        return;
      case Way::kCudaIpc:
        view_->wait_for_inputs(trip.turn);
        copy(own_on_gpu_.get(), view_->at(slab_.input_offset, trip.bytes), trip.bytes,
             CopyKind::kOnDevice);
        copy(view_->at(slab_.result_offset, trip.bytes), own_on_gpu_.get(), trip.bytes,
             CopyKind::kOnDevice);
        view_->finish_result(trip.turn);
        return;
    }
  }

 private:
  void copy(void* to, const void* from, std::size_t bytes, CopyKind kind) {
    device_->copy(to, from, bytes, kind, stream_.get());
  }

  Way way_;
  int gpu_;
  CudaCalls* calls_ = nullptr;
  std::unique_ptr<CudaDevice> device_;
  CudaObject stream_;
  std::optional<SharedSegment> inputs_;
  std::optional<SharedSegment> results_;
  CudaObject pinned_inputs_;
  CudaObject pinned_results_;
  std::vector<std::byte> own_;
  CudaObject own_on_gpu_;
  EchoSlab slab_;
  std::unique_ptr<SlabView> view_;
};

void answer(std::optional<EchoWorker>& worker, Way way, int gpu, Frame& frame) {
  if (!worker) worker.emplace(way, gpu);
  if (frame.kind == kSegments) {
    worker->attach(value_of<EchoSegments>(frame), std::move(frame.fds));
  } else if (frame.kind == kSlab) {
    worker->attach(value_of<EchoSlab>(frame));
  } else {
    worker->trip(value_of<EchoTrip>(frame));
  }
}

}  // namespace

int echo_worker(Way way, int gpu, int fd) {
  die_with_parent();
  ignore_sigpipe();
  BlockingConnection connection(Fd(fd), FrameFormat::kWorker);
  connection.poll_before_sleep(kSpin);
  std::optional<EchoWorker> worker;
  while (auto frame = connection.receive()) {
    try {
      answer(worker, way, gpu, *frame);
      connection.send({kDone, {}, {}});
    } catch (const std::exception& error) {
      connection.send({kFailed, error.what(), {}});
    }
  }
  return 0;
}

}  // namespace tandem::ipc

#include "device_worker/session.hpp"

#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <unistd.h>

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include "device_worker/handlers/handlers.hpp"
#include "device_worker/shared_copies.hpp"
#include "ipc/memory/memfd.hpp"
#include "protocol/codec.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Runs something that may fail in Tandem's, LibTorch's or the library's way; what it threw becomes
// a value.
std::optional<Failure> failure_of(Device& device, const std::function<void()>& work) {
  try {
    device.run(work);
    return std::nullopt;
  } catch (const Error& error) {
    return error.failure();
  } catch (const c10::OutOfMemoryError& error) {
    return Failure{ErrorCode::kOutOfMemory, error.what_without_backtrace()};
  } catch (const c10::Error& error) {
    // The CPU's allocator has no type of its own for this.
    const bool memory =
        std::string_view(error.what()).find("DefaultCPUAllocator") != std::string_view::npos;
    if (memory) return Failure{ErrorCode::kOutOfMemory, "The worker has no memory left."};
    return Failure{ErrorCode::kInternal, error.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return Failure{ErrorCode::kOutOfMemory, "The worker has no memory left for this unit."};
  } catch (const std::exception& error) {
    return Failure{ErrorCode::kInternal, error.what()};
  }
}

}  // namespace

void Session::run() {
  greet();
  while (!ended_) {
    auto frame = connection_.receive();
    if (!frame) return;
    ToWorker message = decode_to_worker(frame->body, frame->kind);
    std::visit([&](auto& m) { handle(m, *frame); }, message);
  }
}

void Session::greet() {
  WorkerHello hello;
  hello.pid = ::getpid();
  device_.describe(hello);
  send(hello);
}

void Session::handle(AttachSegment& message, ipc::Frame& frame) {
  if (frame.fds.size() != 1) {
    throw Error(ErrorCode::kBadFrame, "A segment's frame must carry one descriptor.");
  }
  tensors_.attach(message, std::move(frame.fds.front()));
}

void Session::handle(LoadModel& message, ipc::Frame& frame) {
  const auto start = Clock::now();
  SharedCopies copies(std::move(frame.fds));
  std::uint64_t bytes = 0;
  auto failure =
      failure_of(device_, [&] { bytes = models_.load(message, copies).bytes_of(message.part); });
  if (failure) return send(ModelFailed{message.model, message.part, std::move(*failure)});
  send(ModelLoaded{message.model, message.part, bytes, seconds_since(start), device_.memory_free()},
       copies.take_made());
}

void Session::handle(UnloadModel& message, ipc::Frame&) {
  models_.unload(message.model, message.part);
  device_.release_memory();
}

void Session::handle(PutConstant& message, ipc::Frame&) {
  CondInput cond;
  cond.context = tensors_.open(message.cond.context).clone();
  if (message.cond.pooled) cond.pooled = tensors_.open(*message.cond.pooled).clone();
  cond.sizes = message.cond.sizes;
  if (message.cond.y) cond.y = tensors_.open(*message.cond.y).clone();
  if (message.cond.concat) cond.concat = tensors_.open(*message.cond.concat).clone();
  models_.put(message.constant, std::move(cond));
  hooks_.put(message.constant, std::move(message.cond.plugin_hooks));
}

void Session::handle(PutFile& message, ipc::Frame& frame) {
  if (frame.fds.size() != 1) {
    throw Error(ErrorCode::kBadFrame, "The frame of a file must carry one descriptor.");
  }
  const auto region = std::make_shared<const boost::interprocess::mapped_region>(
      ipc::map_peer_content(frame.fds.front(), std::numeric_limits<std::size_t>::max()));
  attached_files_.attach(message.constant, message.stamp,
                         {static_cast<const std::byte*>(region->get_address()), region->get_size()},
                         region);
}

void Session::handle(DropConstants& message, ipc::Frame&) {
  for (const ConstantId constant : message.constants) {
    models_.drop(constant);
    hooks_.drop(constant);
    attached_files_.drop(constant);
  }
}

void Session::handle(RunUnit& message, ipc::Frame&) {
  const auto start = Clock::now();
  UnitDone done{message.unit_id, message.generation, {}, 0.0};
  UnitContext context{models_, tensors_, message.output, plugins_, hooks_};
  auto failure = failure_of(device_, [&] {
    tensors_.begin_unit(message.slab);
    done.result = run_unit(message.unit, context);
  });
  done.in_slab = tensors_.end_unit();
  if (failure) {
    send(UnitFailed{message.unit_id, message.generation, std::move(*failure)});
    return end_if_needed();
  }
  done.seconds = seconds_since(start);
  send(done);
}

void Session::end_if_needed() {
  const std::string reason = device_.reason_to_end();
  if (reason.empty()) return;
  std::fprintf(stderr, "the process ends after this unit: %s\n", reason.c_str());
  ended_ = true;
}

void Session::handle(AttachSlab& message, ipc::Frame&) {
  // Whatever it is: without the slab tensors travel through shared memory.
  const auto failure = failure_of(device_, [&] { tensors_.attach(message); });
  send(SlabAttached{failure ? failure->message : std::string()});
}

void Session::handle(Shutdown&, ipc::Frame&) {
  ended_ = true;
}

void Session::send(const FromWorker& message, std::vector<ipc::Fd> fds) {
  connection_.send(ipc::Frame{kind_of(message), encode(message), std::move(fds)});
}

}  // namespace tandem::worker

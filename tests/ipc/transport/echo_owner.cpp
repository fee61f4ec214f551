#include "tests/ipc/transport/echo_owner.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/socket.h>
#include <sys/wait.h>

#include "ipc/cuda/load_calls.hpp"
#include "ipc/process/spawn.hpp"
#include "ipc/system_error.hpp"
#include "tests/ipc/transport/echo_messages.hpp"

namespace tandem::ipc {
namespace {

constexpr int kWorkerFd = 3;
constexpr std::chrono::microseconds kSpin{200};

std::array<Fd, 2> socket_pair() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw_errno("A socket pair could not be made");
  return {Fd(ends[0]), Fd(ends[1])};
}

Slot take(Slab& slab, std::size_t bytes) {
  const auto slot = slab.take(bytes);
  if (!slot) throw Error(ErrorCode::kInternal, "the slab is full");
  return *slot;
}

}  // namespace

EchoOwner::EchoOwner(EchoOptions options)
    : options_(std::move(options)),
      inputs_(SharedSegment::create("echo-inputs", options_.bytes)),
      results_(SharedSegment::create("echo-results", options_.bytes)) {
  if (uses_gpu()) prepare_gpu();
  try {
    start_worker();
  } catch (...) {
    end_worker();
    throw;
  }
}

EchoOwner::~EchoOwner() {
  end_worker();
}

void EchoOwner::prepare_gpu() {
  CudaCalls& calls = load_cuda_calls(options_.program.parent_path());
  const std::size_t bytes = options_.bytes;
  device_ = std::make_unique<CudaDevice>(calls, options_.owner_gpu);
  stream_ = device_->create_stream();
  pinned_inputs_ = device_->register_host(inputs_.writable_bytes().data(), bytes, true);
  pinned_results_ = device_->register_host(results_.writable_bytes().data(), bytes, true);
  state_ = device_->allocate(bytes);
  state_back_ = device_->allocate(bytes);
  if (options_.way != Way::kCudaIpc) return;
  slab_ = std::make_shared<Slab>(calls, options_.owner_gpu, 2 * bytes + 16 * kSlabCheckBytes);
  input_twin_ = take(*slab_, bytes);
  result_twin_ = take(*slab_, bytes);
}

void EchoOwner::start_worker() {
  auto [ours, theirs] = socket_pair();
  SpawnRequest request;
  request.program = options_.program;
  request.arguments = {"--echo", std::to_string(static_cast<int>(options_.way)),
                       std::to_string(options_.worker_gpu), std::to_string(kWorkerFd)};
  request.connection = &theirs;
  request.connection_fd = kWorkerFd;
  worker_ = spawn(request);
  theirs = Fd();
  connection_ = std::make_unique<BlockingConnection>(std::move(ours), FrameFormat::kWorker);
  connection_->poll_before_sleep(kSpin);
  connection_->offer_lane();
  Frame segments = frame_of(kSegments, EchoSegments{options_.bytes});
  segments.fds.push_back(inputs_.share_read_only());
  segments.fds.push_back(results_.share());
  tell(std::move(segments));
  if (options_.way == Way::kCudaIpc) attach_slab();
}

void EchoOwner::attach_slab() {
  link_ = std::make_unique<SlabLink>(slab_);
  tell(frame_of(kSlab, EchoSlab{link_->offer(), input_twin_.offset, result_twin_.offset}));
  link_->check();
}

void EchoOwner::end_worker() {
  if (worker_ < 0) return;
  if (connection_) connection_->shutdown();
  ::kill(worker_, SIGKILL);
  while (::waitpid(worker_, nullptr, 0) < 0 && errno == EINTR) {
  }
  worker_ = -1;
  link_.reset();
}

void EchoOwner::replace_worker() {
  end_worker();
  start_worker();
}

void EchoOwner::tell(Frame frame) {
  connection_->send(std::move(frame));
  const auto answer = connection_->receive();
  if (!answer) throw Error(ErrorCode::kInternal, "the worker has died");
  if (answer->kind == kFailed) throw Error(ErrorCode::kInternal, answer->body);
}

void EchoOwner::copy(void* to, const void* from, std::size_t bytes, CopyKind kind) {
  device_->copy(to, from, bytes, kind, stream_.get());
  device_->synchronize_stream(stream_.get());
}

void EchoOwner::put(std::span<const std::byte> state) {
  std::memcpy(inputs_.writable_bytes().data(), state.data(), state.size());
  if (!options_.state_on_gpu) return;
  copy(state_.get(), inputs_.bytes().data(), state.size(), CopyKind::kToDevice);
  std::memset(inputs_.writable_bytes().data(), 0, state.size());
}

void EchoOwner::round_trip(std::size_t bytes) {
  const std::size_t turn = turn_++ % kSlabTurns;
  publish(bytes, turn);
  tell(frame_of(kTrip, EchoTrip{bytes, turn}));
  collect(bytes, turn);
}

void EchoOwner::publish(std::size_t bytes, std::size_t turn) {
  const void* shared = inputs_.bytes().data();
  if (options_.way == Way::kCudaIpc) {
    link_->upload(input_twin_.offset, options_.state_on_gpu ? state_.get() : shared, bytes,
                  options_.state_on_gpu ? CopyKind::kOnDevice : CopyKind::kToDevice);
    link_->announce(turn);
  } else if (options_.state_on_gpu) {
    copy(inputs_.writable_bytes().data(), state_.get(), bytes, CopyKind::kToHost);
  }
}

void EchoOwner::collect(std::size_t bytes, std::size_t turn) {
  void* shared = results_.writable_bytes().data();
  if (options_.way == Way::kCudaIpc) {
    link_->fetch(turn, result_twin_.offset, options_.state_on_gpu ? state_back_.get() : shared,
                 bytes, options_.state_on_gpu ? CopyKind::kOnDevice : CopyKind::kToHost);
  } else if (options_.state_on_gpu) {
    copy(state_back_.get(), shared, bytes, CopyKind::kToDevice);
  }
}

std::vector<std::byte> EchoOwner::result(std::size_t bytes) {
  if (options_.state_on_gpu)
    copy(results_.writable_bytes().data(), state_back_.get(), bytes, CopyKind::kToHost);
  const auto found = results_.bytes().first(bytes);
  return {found.begin(), found.end()};
}

}  // namespace tandem::ipc

#include "coordinator/workers/worker_process.hpp"

#include "ipc/log.hpp"
#include "protocol/codec.hpp"

namespace tandem::coordinator {
namespace {

// The descriptor under which a worker finds its connection.
constexpr int kWorkerConnectionFd = 3;

ipc::SpawnOptions spawn_options(const WorkerLaunch& launch) {
  ipc::SpawnOptions options;
  options.program = launch.program;
  options.arguments = {"--device",
                       launch.spec.device,
                       "--name",
                       launch.spec.name,
                       "--threads",
                       std::to_string(launch.threads),
                       "--hook-cache-bytes",
                       std::to_string(launch.hook_cache_bytes),
                       "--fd",
                       std::to_string(kWorkerConnectionFd)};
  for (const std::string& plugin : launch.plugins)
    options.arguments.insert(options.arguments.end(), {"--plugin", plugin});
  if (!launch.cuda_graphs) options.arguments.emplace_back("--no-cuda-graphs");
  if (launch.busy_wait) options.arguments.emplace_back("--busy-wait");
  options.connection_fd = kWorkerConnectionFd;
  return options;
}

}  // namespace

WorkerProcess::WorkerProcess(boost::asio::io_context& io, const WorkerLaunch& launch,
                             Handlers handlers)
    : name_(launch.spec.name), device_(launch.spec.device), handlers_(std::move(handlers)) {
  ipc::SpawnOptions options = spawn_options(launch);
  options.on_line = [this](std::string_view line) {
    last_words_.add(line);
    ipc::log(ipc::LogLevel::kInfo, name_, line);
  };
  process_ = std::make_unique<ipc::ChildProcess>(io, std::move(options));
  connection_ = ipc::Connection::create(io, process_->take_connection(), ipc::FrameFormat::kWorker);
  connection_->start([this](ipc::Frame frame) { receive(std::move(frame)); },
                     [this](const std::optional<Failure>& failure) {
                       // Nothing more can come of it; where it has ended by itself, this changes
                       // nothing.
                       kill(failure ? failure->message : "");
                     });
  process_->on_exit([this](const ipc::ExitStatus& status) { exited(status); });
}

WorkerProcess::~WorkerProcess() {
  connection_->close();
}

void WorkerProcess::send(const ToWorker& message, std::vector<ipc::Fd> fds) {
  connection_->send(ipc::Frame{kind_of(message), encode(message), std::move(fds)});
}

void WorkerProcess::kill(const std::string& reason) {
  if (kill_reason_.empty()) kill_reason_ = reason;
  process_->kill(SIGKILL);
}

std::weak_ptr<ipc::Polled> WorkerProcess::offer_lane() {
  try {
    connection_->offer_lane();
  } catch (const Error& error) {
    ipc::log(ipc::LogLevel::kWarn, name_, std::string("messages go by socket: ") + error.what());
  }
  return connection_;
}

int WorkerProcess::pid() const {
  return process_->pid();
}

bool WorkerProcess::offer_slab(GpuSlabs& slabs) {
  try {
    slab_ = std::make_unique<SlabChannel>(slabs.open(gpu_position(device_)));
    send(AttachSlab{slab_->offer()});
    return true;
  } catch (const Error& error) {
    fall_back(error.what());
    return false;
  }
}

bool WorkerProcess::slab_attached(const SlabAttached& answer) {
  if (!slab_ || slab_->is_checked()) return false;
  try {
    slab_->check(answer);
  } catch (const Error& error) {
    fall_back(error.what());
  }
  return true;
}

void WorkerProcess::fall_back(const std::string& reason) {
  slab_.reset();
  transport_reason_ = reason;
  ipc::log(ipc::LogLevel::kWarn, name_, "tensors travel through shared memory: " + reason);
}

Transport WorkerProcess::transport(Transport fallback) const {
  const bool in_use = slab_ && slab_->is_checked() && slab_->reason().empty();
  return in_use ? Transport::kCudaIpc : fallback;
}

const std::string& WorkerProcess::transport_reason() const {
  return slab_ ? slab_->reason() : transport_reason_;
}

void WorkerProcess::share_inputs(const TensorArena& inputs) {
  share(inputs, inputs_known_, false);
}

std::shared_ptr<ArenaBlock> WorkerProcess::allocate_output(std::size_t bytes) {
  auto block = outputs_.allocate(bytes);
  share(outputs_, outputs_known_, true);
  return block;
}

std::vector<ConstantId> WorkerProcess::forget(const std::vector<ConstantId>& constants) {
  std::vector<ConstantId> known;
  for (const ConstantId constant : constants) {
    if (constants_.erase(constant) > 0) known.push_back(constant);
  }
  return known;
}

void WorkerProcess::share(const TensorArena& arena, std::size_t& known, bool writable) {
  for (const ArenaSegment& segment : arena.segments_from(known)) {
    std::vector<ipc::Fd> fds;
    fds.push_back(arena.share(segment.id, writable));
    const auto twin = slab_ ? slab_->twin(segment, writable) : std::nullopt;
    send(AttachSegment{segment.id, segment.bytes, writable, twin}, std::move(fds));
    ++known;
  }
}

void WorkerProcess::receive(ipc::Frame frame) {
  try {
    handlers_.on_message(decode_from_worker(frame.body, frame.kind), std::move(frame.fds));
  } catch (const Error& error) {
    kill(error.what());
  }
}

void WorkerProcess::exited(const ipc::ExitStatus& status) {
  WorkerEnd end;
  end.exit = status.code;
  if (status.signal != 0) end.signal = status.signal;
  end.words = name_ + " (pid " + std::to_string(pid()) + ") " + describe(status) + ".";
  if (!kill_reason_.empty() && !status.exited_by_itself())
    end.words += " Reason: " + kill_reason_ + ".";
  if (const std::string last = last_words_.text(); !last.empty())
    end.words += " Last words: " + last;
  // The handler destroys this object.
  const auto on_exit = handlers_.on_exit;
  on_exit(end);
}

}  // namespace tandem::coordinator

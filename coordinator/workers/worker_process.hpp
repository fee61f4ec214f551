// One worker process from its start to the moment its end was seen, with all that belongs to it
// alone: its connection, the memory it writes results to, and what it was already told.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "coordinator/dispatch/tensor_arena.hpp"
#include "coordinator/workers/device_list.hpp"
#include "coordinator/workers/slab_channel.hpp"
#include "ipc/process/child_process.hpp"
#include "ipc/process/last_words.hpp"
#include "ipc/socket/connection.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::coordinator {

struct WorkerLaunch {
  std::filesystem::path program;
  WorkerSpec spec;
  int threads = 1;
  std::uint64_t hook_cache_bytes = 0;
  std::vector<std::string> plugins = {};  // files
  bool cuda_graphs = true;                // of a GPU worker
  bool busy_wait = false;                 // polls for a while before it sleeps
};

// How a process ended.
struct WorkerEnd {
  std::optional<int> exit;
  std::optional<int> signal;
  std::string words;  // a sentence, with the last lines that it wrote
};

// Lives on the io_context's thread. Its handlers are not called any more once it is destroyed,
// which kills a process that still runs.
class WorkerProcess {
 public:
  struct Handlers {
    std::function<void(FromWorker, std::vector<ipc::Fd>)> on_message;
    std::function<void(const WorkerEnd&)> on_exit;
  };

  // Throws kResourceExhausted or kInternal where no process can be started.
  WorkerProcess(boost::asio::io_context& io, const WorkerLaunch& launch, Handlers handlers);
  ~WorkerProcess();

  void send(const ToWorker& message, std::vector<ipc::Fd> fds = {});
  // Ends the process at once; on_exit follows.
  void kill(const std::string& reason);

  // Offers it a lane for messages; what is to be looked at for those that come through it.
  std::weak_ptr<ipc::Polled> offer_lane();

  int pid() const;
  const std::string& name() const { return name_; }

  // Offers it GPU memory for tensors. False, with a reason to be asked for, where that can't be.
  bool offer_slab(GpuSlabs& slabs);
  // Its answer, whatever it is. False where it was not asked.
  bool slab_attached(const SlabAttached& answer);
  // nullptr: tensors travel through shared memory.
  SlabChannel* slab() { return slab_.get(); }
  // Through `fallback`, or the GPU memory that was offered; and why not through that.
  Transport transport(Transport fallback) const;
  const std::string& transport_reason() const;

  // Tells the worker of the segments of an arena that it does not know yet.
  void share_inputs(const TensorArena& inputs);
  // Room for a result, in memory that this process alone writes to.
  std::shared_ptr<ArenaBlock> allocate_output(std::size_t bytes);

  // True the first time it is asked for a constant.
  bool learns(ConstantId constant) { return constants_.insert(constant).second; }
  std::vector<ConstantId> forget(const std::vector<ConstantId>& constants);

 private:
  void fall_back(const std::string& reason);
  void share(const TensorArena& arena, std::size_t& known, bool writable);
  void receive(ipc::Frame frame);
  void exited(const ipc::ExitStatus& status);

  std::string name_;
  std::string device_;
  Handlers handlers_;
  TensorArena outputs_;
  // Ends after the process, before the memory that it copies to.
  std::unique_ptr<SlabChannel> slab_;
  ipc::LastWords last_words_;
  std::string kill_reason_;
  std::unique_ptr<ipc::ChildProcess> process_;
  std::shared_ptr<ipc::Connection> connection_;
  std::string transport_reason_;
  std::size_t inputs_known_ = 0;
  std::size_t outputs_known_ = 0;
  std::set<ConstantId> constants_;
};

}  // namespace tandem::coordinator

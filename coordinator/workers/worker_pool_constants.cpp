// What a worker is sent once: conds, and files that are memory.
#include "coordinator/workers/worker_pool.hpp"

namespace tandem::coordinator {

void WorkerPool::send_constants(WorkerProcess& process, JobId job,
                                const std::vector<ConstantId>& constants) {
  for (const ConstantId constant : constants) {
    if (!process.learns(constant)) continue;
    if (const auto cond = jobs_.at(job)->constant(constant))
      process.send(PutConstant{constant, *cond});
  }
}

void WorkerPool::send_files(WorkerProcess& process, const JobUnits& job) {
  for (const auto& [id, file] : job.files()) {
    if (!process.learns(id)) continue;
    std::vector<ipc::Fd> fds;
    fds.push_back(file->fd.duplicate());
    process.send(PutFile{id, file->stamp}, std::move(fds));
  }
}

}  // namespace tandem::coordinator

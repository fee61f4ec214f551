// Loads parts of models into workers: makes room first, within the devices' budgets, and has
// weights converted once for all workers of this machine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/dispatch/dispatcher.hpp"
#include "coordinator/dispatch/model_memory.hpp"
#include "coordinator/workers/budget_list.hpp"
#include "coordinator/workers/device_list.hpp"
#include "coordinator/workers/device_memory.hpp"
#include "coordinator/workers/weight_shares.hpp"
#include "ipc/fd.hpp"
#include "protocol/model_info.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::coordinator {

// What a worker must be told to load a model, and how large its parts are.
struct ModelFiles {
  ModelSpec spec;
  std::vector<FileStamp> stamps;
  PartSizes sizes;
};

class ModelLoads {
 public:
  struct Hooks {
    std::function<ModelFiles(ModelId)> files;
    // To the process in the slot; nothing where there is none.
    std::function<void(std::size_t slot, const ToWorker&, std::vector<ipc::Fd>)> send;
    // The slot's worker does not have the part any more.
    std::function<void(const HeldPart&)> dropped;
    // A unit needs the part; a job that runs has the model.
    std::function<bool(ModelId, ModelPart)> is_needed;
    std::function<bool(ModelId)> is_in_job;
    // The part passes its device's budget and is loaded all the same.
    std::function<void(JobId, ModelId, const std::string& device, std::uint64_t bytes)> over_budget;
  };

  ModelLoads(Hooks hooks, BudgetList budgets)
      : hooks_(std::move(hooks)), budgets_(std::move(budgets)) {}

  // The next slot's worker.
  void add_worker(const WorkerSpec& spec);

  // ---- from the dispatcher and the workers ----

  void greeted(std::size_t slot, const WorkerHello& message);
  void load(std::size_t slot, const LoadPart& command);
  void loaded(std::size_t slot, const ModelLoaded& message, std::vector<ipc::Fd> copies);
  // True where room was made and the part is loaded once more. Else the failure is final; one of
  // memory says how much was needed and free.
  bool failed(std::size_t slot, ModelFailed& message);
  void used(std::size_t slot, ModelId model, ModelPart part);
  void exited(std::size_t slot, WorkerId worker);

  // ---- on request; what a running job uses stays ----

  // Every part of the models in every worker. Returns the models that stay, wholly or in part.
  std::vector<ModelId> unload(const std::vector<ModelId>& models);
  // So many bytes of the device, least recently used first.
  void free(const std::string& device, std::uint64_t bytes);
  // None: no limit. What is above it and not used goes at once.
  void set_budget(const std::string& device, std::optional<std::uint64_t> bytes);

  bool has_device(const std::string& device) const { return memory_.has_device(device); }
  std::vector<DeviceMemory> report() const { return memory_.report(); }
  // Bytes of a device that has_device(): see MemoryFigures.
  std::uint64_t memory_total(const std::string& device) const { return figures_.total(device); }
  std::uint64_t memory_free(const std::string& device) const {
    return figures_.free(device, memory_.bytes(device));
  }

 private:
  struct Slot {
    WorkerSpec spec;
    std::optional<LoadPart> loading;
    bool tried_again = false;

    // Weights of CPU workers lie in this machine's memory, where they can be shared.
    bool shares_weights() const { return spec.kind == "cpu"; }
  };

  // Parts that units need or that are just being loaded; parts of jobs' models as well.
  ModelMemory::InUse in_use() const;
  ModelMemory::InUse in_use_or_in_job() const;
  void note_free(std::size_t slot, std::uint64_t bytes);
  void send_load(std::size_t slot);
  void send_loads(const std::vector<WorkerId>& workers);
  void let_go(const std::vector<HeldPart>& parts);
  void drop_unheld(const HeldPart& part);

  Hooks hooks_;
  BudgetList budgets_;
  std::vector<Slot> slots_;
  ModelMemory memory_;
  MemoryFigures figures_;
  WeightShares shares_;
};

}  // namespace tandem::coordinator

#include "coordinator/workers/model_loads.hpp"

#include <algorithm>
#include <utility>

#include "protocol/asked_type.hpp"

namespace tandem::coordinator {
namespace {

HeldPart held_by(std::size_t slot, const LoadPart& load) {
  return {slot, load.model, load.part};
}

// Before a part was ever loaded on a device of this kind: its numbers in the type that they will
// most likely compute in there.
std::uint64_t estimate(const ModelFiles& files, ModelPart part, const std::string& kind) {
  const ComputeType asked = asked_type(files.spec, part);
  const bool is_exact = part == ModelPart::kText || part == ModelPart::kUpscale;
  const bool automatic_half = asked == ComputeType::kAuto && kind == "gpu" && !is_exact;
  const bool half = automatic_half || asked == ComputeType::kBF16 || asked == ComputeType::kF16;
  return files.sizes.of(part) * (half ? 2 : 4);
}

}  // namespace

void ModelLoads::add_worker(const WorkerSpec& spec) {
  slots_.push_back({spec, {}, false});
  const std::string device = spec.place();
  const bool is_new = !memory_.has_device(device);
  memory_.add_worker(device, slots_.back().shares_weights());
  if (is_new) memory_.set_budget(device, budgets_.of(device));
}

// A CPU's worker speaks of the machine, which this process knows itself.
void ModelLoads::greeted(std::size_t slot, const WorkerHello& message) {
  if (slots_[slot].spec.kind == "gpu") {
    figures_.note_total(memory_.device_of(slot), message.memory_total);
  }
  note_free(slot, message.memory_free);
}

void ModelLoads::note_free(std::size_t slot, std::uint64_t bytes) {
  if (slots_[slot].spec.kind != "gpu") return;
  const std::string& device = memory_.device_of(slot);
  figures_.note_free(device, bytes, memory_.bytes(device));
}

void ModelLoads::load(std::size_t slot, const LoadPart& command) {
  slots_[slot].loading = command;
  slots_[slot].tried_again = false;
  const HeldPart part = held_by(slot, command);
  const std::string& device = memory_.device_of(slot);
  const std::uint64_t needed = memory_.needed(
      part, estimate(hooks_.files(command.model), command.part, slots_[slot].spec.kind));
  let_go(memory_.make_room(device, needed, in_use()));
  if (memory_.is_over(device, needed) && needed > 0) {
    hooks_.over_budget(command.job, command.model, device, needed);
  }
  memory_.reserve(part, needed);
  const bool now = !slots_[slot].shares_weights() ||
                   shares_.may_load(command.worker, {command.model, command.part});
  if (now) send_load(slot);
}

void ModelLoads::loaded(std::size_t slot, const ModelLoaded& message, std::vector<ipc::Fd> copies) {
  const auto load = std::exchange(slots_[slot].loading, std::nullopt);
  if (!load) return;
  memory_.loaded({slot, message.model, message.part}, message.bytes);
  note_free(slot, message.memory_free);
  send_loads(shares_.loaded(load->worker, {message.model, message.part}, std::move(copies)));
}

bool ModelLoads::failed(std::size_t slot, ModelFailed& message) {
  if (!slots_[slot].loading) return false;
  const bool no_memory = message.failure.code == ErrorCode::kOutOfMemory;
  const HeldPart part = held_by(slot, *slots_[slot].loading);
  const std::string& device = memory_.device_of(slot);
  if (no_memory && !std::exchange(slots_[slot].tried_again, true)) {
    const auto taken = memory_.take_unused(device, ModelMemory::kAll, in_use());
    let_go(taken);
    if (!taken.empty()) {
      send_load(slot);
      return true;
    }
  }
  Failure& failure = message.failure;
  memory_.release(part);
  if (no_memory && failure.needed_bytes == 0) {
    failure.needed_bytes =
        memory_.needed(part, estimate(hooks_.files(part.model), part.part, slots_[slot].spec.kind));
    failure.free_bytes = memory_free(device);
  }
  const LoadPart load = *std::exchange(slots_[slot].loading, std::nullopt);
  send_loads(shares_.failed(load.worker, {load.model, load.part}));
  return false;
}

void ModelLoads::used(std::size_t slot, ModelId model, ModelPart part) {
  memory_.used({slot, model, part});
}

void ModelLoads::exited(std::size_t slot, WorkerId worker) {
  slots_[slot].loading.reset();
  for (const HeldPart& part : memory_.forget(slot))
    drop_unheld(part);
  for (const auto& [next, part] : shares_.exited(worker))
    send_loads({next});
}

std::vector<ModelId> ModelLoads::unload(const std::vector<ModelId>& models) {
  std::vector<ModelId> stay;
  for (const ModelId model : models) {
    let_go(memory_.take_model(model, in_use_or_in_job()));
    if (memory_.is_held(model)) stay.push_back(model);
  }
  return stay;
}

void ModelLoads::free(const std::string& device, std::uint64_t bytes) {
  let_go(memory_.take_unused(device, bytes, in_use_or_in_job()));
}

void ModelLoads::set_budget(const std::string& device, std::optional<std::uint64_t> bytes) {
  memory_.set_budget(device, bytes);
  let_go(memory_.make_room(device, 0, in_use_or_in_job()));
}

// A job may have ended while its model is still on its way into a worker, which would hold it
// against the books if it were told to let go of it before.
ModelMemory::InUse ModelLoads::in_use() const {
  return [this](ModelId model, ModelPart part) {
    return hooks_.is_needed(model, part) || std::ranges::any_of(slots_, [&](const Slot& slot) {
             return slot.loading && slot.loading->model == model && slot.loading->part == part;
           });
  };
}

ModelMemory::InUse ModelLoads::in_use_or_in_job() const {
  return [this, in_use = in_use()](ModelId model, ModelPart part) {
    return hooks_.is_in_job(model) || in_use(model, part);
  };
}

void ModelLoads::send_load(std::size_t slot) {
  const LoadPart& load = *slots_[slot].loading;
  ModelFiles files = hooks_.files(load.model);
  std::vector<ipc::Fd> copies;
  if (slots_[slot].shares_weights()) copies = shares_.copies({load.model, load.part});
  hooks_.send(slot,
              LoadModel{load.model, std::move(files.spec), std::move(files.stamps), load.part},
              std::move(copies));
}

void ModelLoads::send_loads(const std::vector<WorkerId>& workers) {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    const auto& loading = slots_[slot].loading;
    if (loading && std::ranges::count(workers, loading->worker) > 0) send_load(slot);
  }
}

void ModelLoads::let_go(const std::vector<HeldPart>& parts) {
  for (const HeldPart& part : parts) {
    hooks_.dropped(part);
    hooks_.send(part.slot, UnloadModel{part.model, part.part}, {});
    drop_unheld(part);
  }
}

void ModelLoads::drop_unheld(const HeldPart& part) {
  if (!slots_[part.slot].shares_weights() || memory_.is_held(part)) return;
  shares_.drop({part.model, part.part});
}

}  // namespace tandem::coordinator

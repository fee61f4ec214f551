#include "coordinator/dispatch/model_memory.hpp"

#include <algorithm>

namespace tandem::coordinator {

void ModelMemory::add_worker(const std::string& device, bool shares) {
  slots_.push_back(device);
  devices_[device].shares = shares;
}

void ModelMemory::set_budget(const std::string& device, std::optional<std::uint64_t> bytes) {
  devices_[device].budget = bytes;
}

void ModelMemory::reserve(const HeldPart& held, std::uint64_t bytes) {
  held_[held] = {bytes, ++uses_};
}

void ModelMemory::loaded(const HeldPart& held, std::uint64_t bytes) {
  reserve(held, bytes);
  devices_.at(device_of(held.slot)).last_bytes[{held.model, held.part}] = bytes;
}

void ModelMemory::used(const HeldPart& held) {
  const auto it = held_.find(held);
  if (it != held_.end()) it->second.last_use = ++uses_;
}

std::vector<HeldPart> ModelMemory::forget(std::size_t slot) {
  std::vector<HeldPart> forgotten;
  for (const auto& [held, holding] : held_) {
    if (held.slot == slot) forgotten.push_back(held);
  }
  for (const HeldPart& held : forgotten)
    held_.erase(held);
  return forgotten;
}

bool ModelMemory::is_held(ModelId model) const {
  return std::ranges::any_of(held_, [&](const auto& entry) { return entry.first.model == model; });
}

bool ModelMemory::is_held(const HeldPart& held) const {
  return std::ranges::any_of(held_, [&](const auto& entry) {
    const HeldPart& other = entry.first;
    return other.model == held.model && other.part == held.part &&
           device_of(other.slot) == device_of(held.slot);
  });
}

std::uint64_t ModelMemory::needed(const HeldPart& load, std::uint64_t estimate) const {
  const Device& device = devices_.at(device_of(load.slot));
  if (device.shares && is_held(load)) return 0;
  const auto last = device.last_bytes.find({load.model, load.part});
  return last == device.last_bytes.end() ? estimate : last->second;
}

std::vector<HeldPart> ModelMemory::make_room(const std::string& device, std::uint64_t needed,
                                             const InUse& in_use) {
  if (!is_over(device, needed)) return {};
  return take_unused(device, bytes(device) + needed - *devices_.at(device).budget, in_use);
}

std::vector<HeldPart> ModelMemory::take_unused(const std::string& device, std::uint64_t bytes,
                                               const InUse& in_use) {
  std::vector<Copy> unused = copies(device);
  std::erase_if(unused, [&](const Copy& copy) {
    return in_use(copy.holders.front().model, copy.holders.front().part);
  });
  std::ranges::sort(unused, {}, &Copy::last_use);
  std::vector<HeldPart> taken;
  std::uint64_t freed = 0;
  for (const Copy& copy : unused) {
    if (freed >= bytes) break;
    freed += copy.bytes;
    taken.insert(taken.end(), copy.holders.begin(), copy.holders.end());
  }
  for (const HeldPart& held : taken)
    held_.erase(held);
  return taken;
}

std::vector<HeldPart> ModelMemory::take_model(ModelId model, const InUse& in_use) {
  std::vector<HeldPart> taken;
  for (const auto& [held, holding] : held_) {
    if (held.model == model && !in_use(held.model, held.part)) taken.push_back(held);
  }
  for (const HeldPart& held : taken)
    held_.erase(held);
  return taken;
}

bool ModelMemory::is_over(const std::string& device, std::uint64_t needed) const {
  const std::optional<std::uint64_t>& budget = devices_.at(device).budget;
  return budget && bytes(device) + needed > *budget;
}

std::vector<DeviceMemory> ModelMemory::report() const {
  std::vector<DeviceMemory> devices;
  for (const auto& [name, device] : devices_)
    devices.push_back(report(name));
  return devices;
}

std::vector<ModelMemory::Copy> ModelMemory::copies(const std::string& device) const {
  const bool shares = devices_.at(device).shares;
  std::map<HeldPart, Copy> copies;  // by part, and by slot where each has its own
  for (const auto& [held, holding] : held_) {
    if (device_of(held.slot) != device) continue;
    Copy& copy = copies[{shares ? 0 : held.slot, held.model, held.part}];
    copy.bytes = std::max(copy.bytes, holding.bytes);
    copy.last_use = std::max(copy.last_use, holding.last_use);
    copy.holders.push_back(held);
  }
  std::vector<Copy> list;
  list.reserve(copies.size());
  for (auto& [key, copy] : copies)
    list.push_back(std::move(copy));
  return list;
}

DeviceMemory ModelMemory::report(const std::string& device) const {
  DeviceMemory memory{device, devices_.at(device).budget, 0, {}};
  for (const Copy& copy : copies(device)) {
    memory.bytes += copy.bytes;
    memory.models[copy.holders.front().model] += copy.bytes;
  }
  return memory;
}

}  // namespace tandem::coordinator

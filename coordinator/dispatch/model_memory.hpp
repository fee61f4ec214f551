// What the workers' memory holds of models, and what goes to make room: a state machine without
// clock or I/O. Weights that workers of one device share count once and go together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

// A part of a model in one worker, which is to let go of it.
struct HeldPart {
  std::size_t slot = 0;
  ModelId model;
  ModelPart part = ModelPart::kUnet;

  bool operator==(const HeldPart&) const = default;
  friend bool operator<(const HeldPart& a, const HeldPart& b) {
    return std::tie(a.slot, a.model, a.part) < std::tie(b.slot, b.model, b.part);
  }
};

struct DeviceMemory {
  std::string device;
  std::optional<std::uint64_t> budget;
  std::uint64_t bytes = 0;
  std::map<ModelId, std::uint64_t> models;
};

class ModelMemory {
 public:
  static constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

  // Whether a part must stay: a unit needs it.
  using InUse = std::function<bool(ModelId, ModelPart)>;

  // The next slot's worker. Workers of a device that `shares` map one copy of each part.
  void add_worker(const std::string& device, bool shares);

  void set_budget(const std::string& device, std::optional<std::uint64_t> bytes);
  bool has_device(const std::string& device) const { return devices_.contains(device); }
  const std::string& device_of(std::size_t slot) const { return slots_.at(slot); }

  // It is being loaded and will take about so many bytes.
  void reserve(const HeldPart& held, std::uint64_t bytes);
  void loaded(const HeldPart& held, std::uint64_t bytes);
  void used(const HeldPart& held);
  // It could not be loaded.
  void release(const HeldPart& held) { held_.erase(held); }
  // The worker's process has ended; returns what it held.
  std::vector<HeldPart> forget(std::size_t slot);
  // Whether any worker holds a part of the model; whether one on the slot's device holds this part.
  bool is_held(ModelId model) const;
  bool is_held(const HeldPart& held) const;

  // What loading the part would add to the device: nothing where it shares a copy that is there;
  // as many bytes as the last time it was loaded there, else `estimate`.
  std::uint64_t needed(const HeldPart& load, std::uint64_t estimate) const;

  // Each takes parts out of the books and returns them, for their workers to let go of: those that
  // are not in use, least recently used first, ...
  // ... until `needed` bytes more fit in the budget of the device;
  std::vector<HeldPart> make_room(const std::string& device, std::uint64_t needed,
                                  const InUse& in_use);
  // ... until so many bytes are free that were held;
  std::vector<HeldPart> take_unused(const std::string& device, std::uint64_t bytes,
                                    const InUse& in_use);
  // ... all of a model, on every device.
  std::vector<HeldPart> take_model(ModelId model, const InUse& in_use);

  // Whether `needed` bytes more pass the device's budget.
  bool is_over(const std::string& device, std::uint64_t needed) const;

  std::uint64_t bytes(const std::string& device) const { return report(device).bytes; }
  // Devices in the order of their names.
  std::vector<DeviceMemory> report() const;

 private:
  struct Device {
    bool shares = false;
    std::optional<std::uint64_t> budget;
    std::map<std::pair<ModelId, ModelPart>, std::uint64_t> last_bytes;
  };
  struct Holding {
    std::uint64_t bytes = 0;
    std::uint64_t last_use = 0;
  };
  // One block of memory with all who hold it.
  struct Copy {
    std::uint64_t bytes = 0;
    std::uint64_t last_use = 0;
    std::vector<HeldPart> holders;
  };

  std::vector<Copy> copies(const std::string& device) const;
  DeviceMemory report(const std::string& device) const;

  std::vector<std::string> slots_;  // the device of each
  std::map<std::string, Device> devices_;
  std::map<HeldPart, Holding> held_;
  std::uint64_t uses_ = 0;
};

}  // namespace tandem::coordinator

#include "coordinator/service/memory_service.hpp"

#include <algorithm>
#include <set>

#include <boost/json/array.hpp>

#include "protocol/error.hpp"

namespace tandem::coordinator {

boost::json::object MemoryService::unload(const UnloadRequest& request) {
  const std::vector<ModelId> models = request.model ? models_.named(*request.model) : models_.all();
  if (request.model && models.empty()) {
    throw Error(ErrorCode::kNotFound, "model: no model of this name is known.",
                "`devices` lists those that are loaded.", "model");
  }
  boost::json::object reply{{"before", bytes_held()}};
  std::set<std::string> in_use;
  for (const ModelId model : loads_.unload(models))
    in_use.insert(models_.name(model));
  reply["after"] = bytes_held();
  if (!in_use.empty()) reply["in_use"] = boost::json::array(in_use.begin(), in_use.end());
  return reply;
}

boost::json::object MemoryService::free(const FreeRequest& request) {
  const std::uint64_t held = device(request.device).bytes;
  const std::uint64_t free = loads_.memory_free(request.device);
  if (free < request.bytes) loads_.free(request.device, request.bytes - free);
  return {{"free", free + held - device(request.device).bytes}};
}

void MemoryService::set_budget(const BudgetRequest& request) {
  device(request.device);
  loads_.set_budget(request.device, request.bytes);
}

boost::json::object MemoryService::bytes_held() const {
  boost::json::object bytes;
  for (const DeviceMemory& memory : loads_.report())
    bytes[memory.device] = memory.bytes;
  return bytes;
}

DeviceMemory MemoryService::device(const std::string& name) const {
  std::string known;
  for (const DeviceMemory& memory : loads_.report()) {
    if (memory.device == name) return memory;
    known += (known.empty() ? "" : ", ") + memory.device;
  }
  throw Error(ErrorCode::kNotFound, "device: the service has no such device.",
              "It has " + known + ".", "device");
}

}  // namespace tandem::coordinator

// What hosts ask about the memory that models take: unload, free, budget.
#pragma once

#include <boost/json/object.hpp>

#include "coordinator/service/model_registry.hpp"
#include "coordinator/workers/model_loads.hpp"
#include "protocol/host_message.hpp"

namespace tandem::coordinator {

// For one call on the io thread.
class MemoryService {
 public:
  MemoryService(ModelLoads& loads, const ModelRegistry& models) : loads_(loads), models_(models) {}

  // The reply's fields: "before", "after" and, where a running job kept some, "in_use". Throws
  // kNotFound for a model that no job has named.
  boost::json::object unload(const UnloadRequest& request);
  // The reply's "free": bytes, of which the last may be a moment in coming. Throws kNotFound for an
  // unknown device.
  boost::json::object free(const FreeRequest& request);
  // Throws kNotFound for an unknown device.
  void set_budget(const BudgetRequest& request);

 private:
  boost::json::object bytes_held() const;
  DeviceMemory device(const std::string& name) const;

  ModelLoads& loads_;
  const ModelRegistry& models_;
};

}  // namespace tandem::coordinator

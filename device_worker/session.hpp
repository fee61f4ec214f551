// The worker's conversation with its coordinator: messages are carried out one after the other, in
// order.
#pragma once

#include <cstdint>

#include "device_worker/device/device.hpp"
#include "device_worker/hooks/hook_store.hpp"
#include "device_worker/model_store.hpp"
#include "device_worker/tensor_exchange.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "plugin/loading/plugin_set.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::worker {

class Session {
 public:
  // patch_budget: as ModelStore takes it. The plug-ins and the attached files, which
  // the device's models look into, outlive it.
  Session(ipc::BlockingConnection& connection, Device& device, std::uint64_t patch_budget,
          const PluginSet& plugins, models::AttachedFiles& attached_files)
      : connection_(connection),
        device_(device),
        models_(device, patch_budget),
        plugins_(plugins),
        hooks_(plugins),
        tensors_(device),
        attached_files_(attached_files) {}

  // Greets, then works until the coordinator says so or closes the connection. Throws Error where
  // the connection carries something that is no message.
  void run();

 private:
  void handle(AttachSegment& message, ipc::Frame& frame);
  void handle(LoadModel& message, ipc::Frame& frame);
  void handle(UnloadModel& message, ipc::Frame& frame);
  void handle(PutConstant& message, ipc::Frame& frame);
  void handle(PutFile& message, ipc::Frame& frame);
  void handle(DropConstants& message, ipc::Frame& frame);
  void handle(RunUnit& message, ipc::Frame& frame);
  void handle(Shutdown& message, ipc::Frame& frame);
  void handle(AttachSlab& message, ipc::Frame& frame);
  void greet();
  void end_if_needed();
  void send(const FromWorker& message, std::vector<ipc::Fd> fds = {});

  ipc::BlockingConnection& connection_;
  Device& device_;
  ModelStore models_;
  const PluginSet& plugins_;
  HookStore hooks_;
  TensorExchange tensors_;
  models::AttachedFiles& attached_files_;
  bool ended_ = false;
};

}  // namespace tandem::worker

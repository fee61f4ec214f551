// The LIST of `--devices`: which workers a service has, in which order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::coordinator {

// One worker to be kept running.
struct WorkerSpec {
  std::string name;    // "cpu#0", "sim#3"; "gpu:0", or "gpu:0#1" where a GPU has several
  std::string kind;    // "cpu", "gpu", "sim"
  std::string device;  // what its process is told: "cpu", "gpu:0", "sim@20ms"

  // Where its weights lie, in jobs, reports and budgets: `device` without its options.
  std::string place() const { return device.substr(0, device.find('@')); }

  bool operator==(const WorkerSpec&) const = default;
};

inline constexpr int kMaxWorkers = 64;
inline constexpr int kMaxGpuPosition = 255;

// "cpu", "cpu:2", "gpu:0", "gpu:0x2" (two workers), "sim:8@20ms", several separated by commas;
// numbering goes on over the list. N of gpu:N is the position among the visible GPUs. Throws
// kBadRequest for what can't be read, kUnsupported for an accelerator that Tandem has no back end
// for ("xpu:0", "mps"), kOutOfRange for more than kMaxWorkers or a position past kMaxGpuPosition;
// each names the item.
std::vector<WorkerSpec> parse_device_list(std::string_view list);

// N of a GPU worker's "gpu:N".
int gpu_position(std::string_view device);

// Threads of each CPU worker where `--threads` is not given: cores divided by CPU workers, at
// least 1.
int default_threads(const std::vector<WorkerSpec>& workers, unsigned cores);

// Which threads poll before they sleep.
struct BusyWaits {
  bool service = false;  // the io thread
  bool workers = false;  // workers, and the threads of jobs

  bool operator==(const BusyWaits&) const = default;
};

// For a choice "on", "off" or "auto": where cores are left. GPU workers have one each, and
// simulated workers need none; the service's thread takes one, the threads of jobs another. CPU
// workers need whatever there is, unless all of the above has its own.
BusyWaits busy_waits(std::string_view choice, const std::vector<WorkerSpec>& workers,
                     unsigned cores);

}  // namespace tandem::coordinator

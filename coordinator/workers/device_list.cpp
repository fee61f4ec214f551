#include "coordinator/workers/device_list.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "protocol/accelerators.hpp"
#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::string_view kForms =
    "Devices are written cpu, cpu:2, gpu:0, gpu:0x2 or sim:8@20ms, separated by commas.";
constexpr std::string_view kBackends =
    "Tandem computes on cpu, on gpu:N (an NVIDIA GPU, LibTorch's cuda) and on sim. `tandem-worker "
    "--list-accelerators` shows what this machine has.";

struct Item {
  std::string kind;
  int count = 1;
  std::string delay;  // "20ms", of sim
  int position = 0;   // of gpu
};

[[noreturn]] void refuse(ErrorCode code, std::string_view item, const std::string& why,
                         std::string_view hint = kForms) {
  throw Error(code, "Device '" + shown(item) + "': " + why, std::string(hint));
}

int parse_number(std::string_view text, std::string_view item, const char* what) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  refuse(ErrorCode::kBadRequest, item, std::string(what) + " is missing or not a number.");
}

int parse_count(std::string_view text, std::string_view item) {
  const int count = parse_number(text, item, "the number of workers");
  if (count < 1 || count > kMaxWorkers) {
    refuse(ErrorCode::kOutOfRange, item,
           "the number of workers must be between 1 and " + std::to_string(kMaxWorkers) + ".");
  }
  return count;
}

// "20ms", "1.5ms", "300us": a number and a unit.
void check_delay(std::string_view text, std::string_view item) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc() || (unit != "ms" && unit != "us" && unit != "s") || !(value >= 0.0)) {
    refuse(ErrorCode::kBadRequest, item, "the time after @ is a number with s, ms or us.");
  }
  const double milliseconds = unit == "s" ? value * 1e3 : unit == "us" ? value / 1e3 : value;
  if (milliseconds > 60'000.0)
    refuse(ErrorCode::kOutOfRange, item, "the time after @ is too long.");
}

void check_kind(std::string_view kind, std::string_view item) {
  if (kind == "cpu" || kind == "gpu" || kind == "sim") return;
  if (kind == "cuda") {
    refuse(ErrorCode::kUnsupported, item, "an NVIDIA GPU is called gpu, as in gpu:0.", kBackends);
  }
  if (is_accelerator_name(kind)) {
    refuse(ErrorCode::kUnsupported, item, "Tandem has no back end for " + std::string(kind) + ".",
           kBackends);
  }
  refuse(ErrorCode::kBadRequest, item, "there is no such kind of device.");
}

// What follows "gpu:": a position, and how many workers where it is not one.
void parse_gpu(std::string_view text, std::string_view item, Item& gpu) {
  const auto times = text.find('x');
  gpu.position = parse_number(text.substr(0, times), item, "the GPU's position");
  if (gpu.position < 0 || gpu.position > kMaxGpuPosition) {
    refuse(ErrorCode::kOutOfRange, item,
           "a position is between 0 and " + std::to_string(kMaxGpuPosition) + ".");
  }
  if (times != std::string_view::npos) gpu.count = parse_count(text.substr(times + 1), item);
}

Item parse_item(std::string_view text) {
  Item item;
  std::string_view rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    item.delay = rest.substr(at + 1);
    rest = rest.substr(0, at);
    check_delay(item.delay, text);
  }
  const auto colon = rest.find(':');
  item.kind = rest.substr(0, colon);
  check_kind(item.kind, text);
  if (item.kind == "gpu") {
    parse_gpu(colon == std::string_view::npos ? "" : rest.substr(colon + 1), text, item);
  } else if (colon != std::string_view::npos) {
    item.count = parse_count(rest.substr(colon + 1), text);
  }
  if (!item.delay.empty() && item.kind != "sim") {
    refuse(ErrorCode::kBadRequest, text, "only sim takes a time after @.");
  }
  return item;
}

std::string told_device(const Item& item) {
  if (item.kind == "gpu") return "gpu:" + std::to_string(item.position);
  return item.delay.empty() ? item.kind : item.kind + "@" + item.delay;
}

// A GPU's only worker has the GPU's name.
void name_workers(std::vector<WorkerSpec>& workers) {
  std::map<std::string, int> all;
  std::map<std::string, int> numbers;
  for (const WorkerSpec& worker : workers)
    ++all[worker.place()];
  for (WorkerSpec& worker : workers) {
    worker.name = worker.place();
    if (worker.kind == "gpu" && all[worker.name] == 1) continue;
    worker.name += "#" + std::to_string(numbers[worker.name]++);
  }
}

}  // namespace

std::vector<WorkerSpec> parse_device_list(std::string_view list) {
  std::vector<WorkerSpec> workers;
  while (true) {
    const auto comma = list.find(',');
    const Item item = parse_item(list.substr(0, comma));
    for (int i = 0; i < item.count; ++i) {
      workers.push_back({{}, item.kind, told_device(item)});
    }
    if (workers.size() > static_cast<std::size_t>(kMaxWorkers)) {
      refuse(ErrorCode::kOutOfRange, list,
             "a service has at most " + std::to_string(kMaxWorkers) + " workers.");
    }
    if (comma == std::string_view::npos) break;
    list = list.substr(comma + 1);
  }
  name_workers(workers);
  return workers;
}

int gpu_position(std::string_view device) {
  return parse_item(device).position;
}

int default_threads(const std::vector<WorkerSpec>& workers, unsigned cores) {
  const auto cpu = std::ranges::count(workers, "cpu", &WorkerSpec::kind);
  if (cpu == 0) return 1;
  return std::max(1, static_cast<int>(cores) / static_cast<int>(cpu));
}

BusyWaits busy_waits(std::string_view choice, const std::vector<WorkerSpec>& workers,
                     unsigned cores) {
  if (choice != "auto") return {choice == "on", choice == "on"};
  const auto gpus = std::ranges::count(workers, "gpu", &WorkerSpec::kind);
  const bool computes_here = std::ranges::count(workers, "cpu", &WorkerSpec::kind) > 0;
  const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(cores) - gpus;
  const bool for_all = gpus > 0 && left >= 2;
  // Where nobody computes on a processor, hosts and simulated workers share what is left.
  const bool for_service = !computes_here && left >= (gpus > 0 ? 1 : 2);
  return {for_all || for_service, for_all};
}

}  // namespace tandem::coordinator

// transport-benchmark: how long a tensor takes from the coordinator to a worker and back, over each
// transport. Writes JSON to the standard output. With --echo WAY GPU FD it is the worker.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "ipc/process/signals.hpp"
#include "protocol/error.hpp"
#include "tests/benchmark/transport/copies_alone.hpp"
#include "tests/ipc/transport/echo_owner.hpp"

namespace {

using namespace tandem::ipc;
using Clock = std::chrono::steady_clock;

struct Row {
  const char* name;
  Way way;
  int owner_gpu;
  int worker_gpu;  // -1: none
  bool state_on_gpu;
};

constexpr Row kRows[] = {
    {"shared memory", Way::kPlain, -1, -1, false},
    {"pinned, state in CPU memory", Way::kPinned, -1, 0, false},
    {"pinned, state on the GPU", Way::kPinned, 0, 0, true},
    {"cuda ipc, state in CPU memory", Way::kCudaIpc, 0, 0, false},
    {"cuda ipc, state on the GPU", Way::kCudaIpc, 0, 0, true},
    {"cuda ipc, state on the other GPU", Way::kCudaIpc, 0, 1, true},
    {"pinned, state on the other GPU", Way::kPinned, 0, 1, true},
};

constexpr std::size_t kSizes[] = {std::size_t{64} << 10, std::size_t{4} << 20,
                                  std::size_t{64} << 20};
constexpr int kMostTrips = 2000;
constexpr int kFewestTrips = 20;
constexpr int kWarmUp = 10;

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> made(bytes);
  std::uint32_t value = 12345;
  for (std::byte& byte : made) {
    value = value * 1664525U + 1013904223U;
    byte = static_cast<std::byte>(value >> 24U);
  }
  return made;
}

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

template <class Way>
std::vector<double> trips(Way& way, std::size_t bytes, double seconds) {
  for (int i = 0; i < kWarmUp; ++i)
    way.round_trip(bytes);
  std::vector<double> times;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (times.size() < kFewestTrips || (times.size() < kMostTrips && Clock::now() < end)) {
    const auto began = Clock::now();
    way.round_trip(bytes);
    times.push_back(microseconds(Clock::now() - began));
  }
  std::ranges::sort(times);
  return times;
}

template <class Way>
boost::json::object measure(Way& way, std::size_t bytes, double seconds) {
  const std::vector<std::byte> state = pattern(bytes);
  way.put(state);
  const std::vector<double> sorted = trips(way, bytes, seconds);
  return {{"bytes", bytes},
          {"trips", sorted.size()},
          {"median_us", sorted[sorted.size() / 2]},
          {"p99_us", sorted[(sorted.size() * 99) / 100]},
          {"same", std::ranges::equal(way.result(bytes), state)}};
}

boost::json::object limit(const std::filesystem::path& program, double seconds) {
  boost::json::object report{{"name", "copies alone, in one process"}, {"worker", "gpu:0"}};
  try {
    CopiesAlone copies(program.parent_path(), 0, *std::ranges::max_element(kSizes));
    boost::json::array sizes;
    for (const std::size_t bytes : kSizes)
      sizes.push_back(measure(copies, bytes, seconds));
    report["sizes"] = std::move(sizes);
  } catch (const tandem::Error& error) {
    report["skipped"] = error.what();
  }
  return report;
}

boost::json::object report(const Row& row, const std::filesystem::path& program, double seconds) {
  boost::json::object report{{"name", row.name}};
  if (row.worker_gpu >= 0) report["worker"] = "gpu:" + std::to_string(row.worker_gpu);
  if (row.owner_gpu >= 0) report["coordinator"] = "gpu:" + std::to_string(row.owner_gpu);
  const char* outcome = "skipped";
  try {
    EchoOwner owner({row.way, row.owner_gpu, row.worker_gpu, row.state_on_gpu,
                     *std::ranges::max_element(kSizes), program});
    outcome = "failed";
    boost::json::array sizes;
    for (const std::size_t bytes : kSizes)
      sizes.push_back(measure(owner, bytes, seconds));
    report["sizes"] = std::move(sizes);
  } catch (const tandem::Error& error) {
    report[outcome] = error.what();
  }
  return report;
}

int run(double seconds) {
  ignore_sigpipe();
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  boost::json::array rows{limit(program, seconds)};
  std::cerr << boost::json::serialize(rows.back()) << std::endl;
  for (const Row& row : kRows) {
    rows.push_back(report(row, program, seconds));
    std::cerr << boost::json::serialize(rows.back()) << std::endl;
  }
  std::cout << boost::json::serialize(boost::json::object{{"rows", std::move(rows)}}) << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "--echo") == 0)
    return echo_worker(static_cast<Way>(std::stoi(argv[2])), std::stoi(argv[3]),
                       std::stoi(argv[4]));
  double seconds = 1.0;
  CLI::App app("Round trips of 64 KB, 4 MiB and 64 MiB between two processes.");
  app.add_option("--seconds", seconds, "the most that one size of one transport takes");
  CLI11_PARSE(app, argc, argv);
  return run(seconds);
}

// The same cases for every way that bytes take between two processes; a way whose device is not
// there is skipped.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "ipc/cuda/load_calls.hpp"
#include "protocol/error.hpp"
#include "tests/ipc/transport/echo_owner.hpp"

namespace tandem::ipc {
namespace {

struct Case {
  std::string name;
  Way way;
  int owner_gpu;
  int worker_gpu;
  bool state_on_gpu;
};

void PrintTo(const Case& way, std::ostream* out) {
  *out << way.name;
}

constexpr std::size_t kMost = 1 << 20;

// Beside this program.
std::filesystem::path echo_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "transport-benchmark";
}

class TransportConformance : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    const Case& way = GetParam();
    const int needed = way.way == Way::kPlain ? 0 : std::max(way.owner_gpu, way.worker_gpu) + 1;
    if (gpus() < needed) GTEST_SKIP() << "no device";
    try {
      owner_.emplace(EchoOptions{way.way, way.owner_gpu, way.worker_gpu, way.state_on_gpu, kMost,
                                 echo_program()});
    } catch (const Error& error) {
      if (way.way != Way::kCudaIpc) throw;
      GTEST_SKIP() << "CUDA IPC does not work here: " << error.what();
    }
  }

  static int gpus() {
    int count = 0;
    try {
      CudaCalls& calls = load_cuda_calls(echo_program().parent_path());
      if (calls.device_count(count) != 0) return 0;
    } catch (const Error&) {
      return 0;
    }
    return count;
  }

  static std::vector<std::byte> bytes_of(std::size_t count, unsigned seed) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i)
      bytes[i] = static_cast<std::byte>((i * 31 + seed) & 0xFFU);
    return bytes;
  }

  std::optional<EchoOwner> owner_;
};

TEST_P(TransportConformance, EverySizeComesBackAsItWas) {
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{63}, std::size_t{4096}, std::size_t{100'000}, kMost}) {
    const auto state = bytes_of(bytes, static_cast<unsigned>(bytes));
    owner_->put(state);
    owner_->round_trip(bytes);
    EXPECT_EQ(owner_->result(bytes), state) << bytes;
  }
}

TEST_P(TransportConformance, EachTripHasTheBytesOfItsTime) {
  for (unsigned trip = 0; trip < 3 * kSlabTurns; ++trip) {
    const auto state = bytes_of(kMost, trip);
    owner_->put(state);
    owner_->round_trip(kMost);
    ASSERT_EQ(owner_->result(kMost), state) << trip;
  }
}

TEST_P(TransportConformance, AReplacedWorkerGoesOnWithTheSameMemory) {
  const auto state = bytes_of(kMost, 7);
  owner_->put(state);
  owner_->round_trip(kMost);
  owner_->replace_worker();
  owner_->round_trip(kMost);
  EXPECT_EQ(owner_->result(kMost), state);
}

INSTANTIATE_TEST_SUITE_P(Ways, TransportConformance,
                         ::testing::Values(Case{"shared_memory", Way::kPlain, 0, 0, false},
                                           Case{"pinned", Way::kPinned, 0, 0, false},
                                           Case{"pinned_on_gpu", Way::kPinned, 0, 0, true},
                                           Case{"cuda_ipc", Way::kCudaIpc, 0, 0, false},
                                           Case{"cuda_ipc_on_gpu", Way::kCudaIpc, 0, 0, true},
                                           Case{"cuda_ipc_between_gpus", Way::kCudaIpc, 0, 1,
                                                true}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace tandem::ipc

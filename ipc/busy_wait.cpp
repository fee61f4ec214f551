#include "ipc/busy_wait.hpp"

#include <algorithm>
#include <utility>

namespace tandem::ipc {
namespace {

// Between two looks at sockets and timers, which are system calls.
constexpr int kLooks = 32;

BusyWait::TimePoint now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

// A copy: what is called may add others.
std::vector<std::shared_ptr<Polled>> BusyWait::living() const {
  std::vector<std::shared_ptr<Polled>> living;
  for (const auto& weak : polled_) {
    if (auto polled = weak.lock()) living.push_back(std::move(polled));
  }
  return living;
}

void BusyWait::add(std::weak_ptr<Polled> polled) {
  std::erase_if(polled_, [](const auto& weak) { return weak.expired(); });
  if (const auto added = polled.lock(); added && is_polling_) added->stay_awake();
  polled_.push_back(std::move(polled));
}

void BusyWait::run(boost::asio::io_context& io) {
  while (!io.stopped()) {
    if (is_on(now())) {
      poll(io);
    } else {
      io.run_one();
    }
  }
}

void BusyWait::poll(boost::asio::io_context& io) {
  is_polling_ = true;
  for (const auto& polled : living())
    polled->stay_awake();
  while (!io.stopped() && is_on(now())) {
    const auto polled = living();
    for (int i = 0; i < kLooks; ++i, relax_core()) {
      for (const auto& each : polled)
        each->look();
    }
    io.poll();
  }
  is_polling_ = false;
  for (const auto& polled : living())
    polled->fall_asleep();
}

}  // namespace tandem::ipc

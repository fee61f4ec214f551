#include "ipc/hand_off.hpp"

#include <utility>

#include <boost/asio/post.hpp>

namespace tandem::ipc {

std::shared_ptr<HandOff> HandOff::create(boost::asio::io_context& io) {
  return std::shared_ptr<HandOff>(new HandOff(io));
}

// Either this side sees that the io thread is about to sleep, or that one sees the work: each
// writes before it reads, and all threads see these writes in one order.
void HandOff::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    if (has_work_.exchange(true)) return;  // whoever was first has seen to it
  }
  if (is_awake_) return;
  boost::asio::post(io_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void HandOff::look() {
  if (!has_work_.load(std::memory_order_acquire)) return;
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(work_);
    has_work_ = false;
  }
  for (const auto& item : work)
    item();
}

void HandOff::fall_asleep() {
  is_awake_ = false;
  if (has_work_) look();
}

}  // namespace tandem::ipc

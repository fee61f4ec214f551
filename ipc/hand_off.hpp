// Work for the io thread, from any thread: without a system call while that one polls.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "ipc/busy_wait.hpp"

namespace tandem::ipc {

class HandOff : public Polled, public std::enable_shared_from_this<HandOff> {
 public:
  // The io_context must outlive the last post().
  static std::shared_ptr<HandOff> create(boost::asio::io_context& io);

  // From any thread: runs on the io thread, after what was posted here before. What is left when
  // the io_context ends is dropped.
  void post(std::function<void()> work);

  void stay_awake() override { is_awake_ = true; }
  void look() override;
  void fall_asleep() override;

 private:
  explicit HandOff(boost::asio::io_context& io) : io_(io) {}

  boost::asio::io_context& io_;
  std::mutex mutex_;  // of the work
  std::vector<std::function<void()>> work_;
  std::atomic<bool> has_work_ = false;
  std::atomic<bool> is_awake_ = false;
};

}  // namespace tandem::ipc

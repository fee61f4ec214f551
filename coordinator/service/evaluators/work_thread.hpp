// A thread that does pieces of work one after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace tandem::coordinator {

class WorkThread {
 public:
  WorkThread();
  // Waits until all that was added is done.
  ~WorkThread();

  // Must not throw.
  void add(std::function<void()> work);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace tandem::coordinator

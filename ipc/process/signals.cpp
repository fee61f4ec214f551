#include "ipc/process/signals.hpp"

#include <atomic>
#include <csignal>
#include <utility>

namespace tandem::ipc {
namespace {

std::atomic<int> noted_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "written by a signal handler");

void note_signal(int number) {
  noted_signal.store(number);
}

void set_handler(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  ::sigaction(number, &action, nullptr);
}

}  // namespace

void ignore_sigpipe() {
  ignore_signal(SIGPIPE);
}

void ignore_signal(int number) {
  set_handler(number, SIG_IGN);
}

StopSignals::StopSignals(boost::asio::io_context& io, Handler handler)
    : signals_(io, SIGINT, SIGTERM, SIGHUP), handler_(std::move(handler)) {
  wait();
}

void StopSignals::wait() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    wait();
    handler_(number, ++count_);
  });
}

void note_stop_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    set_handler(number, note_signal);
}

int noted_stop_signal() {
  return noted_signal.load();
}

}  // namespace tandem::ipc

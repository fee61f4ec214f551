// Signals of a program: what main() sets up.
#pragma once

#include <functional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace tandem::ipc {

// A closed socket or pipe is an error of the call, never the end of the process. Every main's first
// line.
void ignore_sigpipe();
void ignore_signal(int number);

// SIGINT, SIGTERM and SIGHUP as events of a loop.
class StopSignals {
 public:
  // `count` is 1 for the first signal, and so on: a second one may mean impatience.
  using Handler = std::function<void(int signal, int count)>;

  StopSignals(boost::asio::io_context& io, Handler handler);

 private:
  void wait();

  boost::asio::signal_set signals_;
  Handler handler_;
  int count_ = 0;
};

// The same for a program without a loop: from now on these signals are only noted. Waits of
// BlockingConnection go on through them, so it asks between waits with a deadline.
void note_stop_signals();
// The number of the last one, 0: none.
int noted_stop_signal();

}  // namespace tandem::ipc

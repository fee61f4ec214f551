// Which accelerators the machine has: asked of a worker program that prints them and ends, since
// this process may not touch an accelerator.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "ipc/process/child_process.hpp"
#include "ipc/process/last_words.hpp"
#include "protocol/accelerators.hpp"

namespace tandem::coordinator {

struct ListingOptions {
  std::filesystem::path worker_program;
  // A driver may take its time with many devices, and a broken one never answers.
  std::chrono::milliseconds deadline = std::chrono::seconds(20);
  std::size_t output_bytes = std::size_t{256} << 10;  // that it may write in all
  // Until a failure is no answer any more, and the program is asked again.
  std::chrono::milliseconds retry_after = std::chrono::seconds(60);
};

// kWorkerLost: the program ended in another way, or not in time; kBadFrame: it wrote too much, or
// no list; else what ChildProcess says of a program that can't be started.
using AcceleratorAnswer = std::variant<AcceleratorList, Failure>;

// Lives on the io_context's thread, which it never keeps waiting. Its end kills the program.
class AcceleratorListing {
 public:
  using Done = std::function<void(const AcceleratorAnswer&)>;

  AcceleratorListing(boost::asio::io_context& io, ListingOptions options);

  // Calls `done` once, at once where the answer is known. The first call starts the program; what
  // it told is kept.
  void ask(Done done);

 private:
  void start();
  void arm_deadline();
  void add_line(std::string_view line);
  void exited(const ipc::ExitStatus& status);
  // Failures once the program was started: it may still have to end.
  void give_up(ErrorCode code, const std::string& why);
  void settle(AcceleratorAnswer answer);
  bool is_settled() const;

  boost::asio::io_context& io_;
  ListingOptions options_;
  std::optional<AcceleratorAnswer> answer_;
  std::chrono::steady_clock::time_point answered_;
  std::vector<Done> waiting_;  // not empty: the program is being asked
  std::size_t bytes_ = 0;
  std::string list_;           // as far as it came
  ipc::LastWords last_words_;  // before the list
  std::unique_ptr<ipc::ChildProcess> process_;
  boost::asio::steady_timer deadline_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tandem::coordinator

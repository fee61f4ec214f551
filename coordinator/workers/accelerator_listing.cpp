#include "coordinator/workers/accelerator_listing.hpp"

#include <csignal>
#include <utility>

#include "ipc/log.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kLastLines = 5;
constexpr std::size_t kLastBytes = 400;

}  // namespace

AcceleratorListing::AcceleratorListing(boost::asio::io_context& io, ListingOptions options)
    : io_(io), options_(std::move(options)), last_words_(kLastLines, kLastBytes), deadline_(io) {}

bool AcceleratorListing::is_settled() const {
  if (!answer_) return false;
  return std::holds_alternative<AcceleratorList>(*answer_) || process_ ||
         std::chrono::steady_clock::now() < answered_ + options_.retry_after;
}

void AcceleratorListing::ask(Done done) {
  if (waiting_.empty() && is_settled()) return done(*answer_);
  waiting_.push_back(std::move(done));
  if (waiting_.size() == 1) start();
}

void AcceleratorListing::start() {
  bytes_ = 0;
  list_.clear();
  last_words_ = ipc::LastWords(kLastLines, kLastBytes);
  ipc::SpawnOptions spawn;
  spawn.program = options_.worker_program;
  spawn.arguments = {"--list-accelerators"};
  spawn.on_line = [this](std::string_view line) { add_line(line); };
  try {
    process_ = std::make_unique<ipc::ChildProcess>(io_, std::move(spawn));
  } catch (const Error& error) {
    return settle(error.failure());
  }
  process_->on_exit([this](const ipc::ExitStatus& status) { exited(status); });
  arm_deadline();
}

void AcceleratorListing::arm_deadline() {
  deadline_.expires_after(options_.deadline);
  deadline_.async_wait(
      [this, alive = std::weak_ptr<bool>(alive_)](const boost::system::error_code& error) {
        if (error || alive.expired() || waiting_.empty()) return;
        give_up(ErrorCode::kWorkerLost,
                "no answer came within " + std::to_string(options_.deadline.count()) + " ms");
      });
}

// Warnings of LibTorch and of drivers may come first; long lines come in pieces.
void AcceleratorListing::add_line(std::string_view line) {
  if (waiting_.empty()) return;
  bytes_ += line.size() + 1;
  if (bytes_ > options_.output_bytes) {
    return give_up(ErrorCode::kBadFrame, "more was written than the " +
                                             std::to_string(options_.output_bytes) +
                                             " bytes that a list may have");
  }
  if (!list_.empty() || line.starts_with(kAcceleratorListBegin)) {
    list_ += line;
  } else {
    last_words_.add(line);
  }
}

void AcceleratorListing::give_up(ErrorCode code, const std::string& why) {
  process_->kill(SIGKILL);
  std::string message = "The accelerators could not be listed: " + why + ".";
  if (const std::string last = last_words_.text(); !last.empty())
    message += " Last words: " + shown(last, kLastBytes);
  settle(Failure{code, std::move(message)});
}

void AcceleratorListing::exited(const ipc::ExitStatus& status) {
  if (!waiting_.empty()) {
    if (status.code != 0) {
      give_up(ErrorCode::kWorkerLost, "the program " + describe(status));
    } else {
      try {
        settle(parse_accelerators(list_));
      } catch (const Error& error) {
        settle(error.failure());
      }
    }
  }
  process_.reset();
}

void AcceleratorListing::settle(AcceleratorAnswer answer) {
  if (const auto* failure = std::get_if<Failure>(&answer))
    ipc::log(ipc::LogLevel::kWarn, "accelerators", failure->message);
  deadline_.cancel();
  answer_ = std::move(answer);
  answered_ = std::chrono::steady_clock::now();
  for (const Done& done : std::exchange(waiting_, {}))
    done(*answer_);
}

}  // namespace tandem::coordinator

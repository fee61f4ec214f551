// Errors of Tandem: one closed list of codes, one exception inside a process, one value between
// processes.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tandem {

// The closed list of docs/protocol.md. Append only: the numbers travel between coordinator and
// workers.
enum class ErrorCode : std::uint8_t {
  kBadFrame,
  kUnsupportedVersion,
  kBadRequest,
  kUnknownKey,
  kOutOfRange,
  kUnsupported,
  kMissingFile,
  kBadCheckpoint,
  kUnknownFamily,
  kMissingTensor,
  kBadShape,
  kUnsealedMemory,
  kOutOfMemory,
  kNotFinite,
  kCancelled,
  kWorkerLost,
  kNoWorker,
  kQuota,
  kResourceExhausted,
  kNotFound,
  kInternal,
};

// Who has to act: the sender of the request, the worker's context, its device, or the service
// itself.
enum class Fault : std::uint8_t { kRequest, kContext, kDevice, kService };

// The name in the host protocol, for instance "bad_frame".
std::string_view name(ErrorCode code);
std::string_view name(Fault fault);
std::optional<ErrorCode> find_error_code(std::string_view name);

// Whether the same request may succeed when it is sent again unchanged.
bool is_retryable(ErrorCode code);
Fault fault_of(ErrorCode code);

// An error as it travels: to a host as JSON, between coordinator and worker in a frame.
struct Failure {
  ErrorCode code = ErrorCode::kInternal;
  std::string message =
      {};  // a full sentence: what was expected, what was found; no address, no descriptor
  std::string hint = {};           // what the user can do; may be empty
  std::string path = {};           // JSON path or file the error is about; may be empty
  std::string worker = {};         // name of the worker it happened on; may be empty
  std::uint64_t needed_bytes = 0;  // with kOutOfMemory
  std::uint64_t free_bytes = 0;    // with kOutOfMemory

  bool operator==(const Failure&) const = default;
};

// The one exception of Tandem. what() is the message.
class Error : public std::runtime_error {
 public:
  explicit Error(Failure failure)
      : std::runtime_error(failure.message), failure_(std::move(failure)) {}
  Error(ErrorCode code, std::string message, std::string hint = {}, std::string path = {})
      : Error(Failure{code, std::move(message), std::move(hint), std::move(path)}) {}

  ErrorCode code() const { return failure_.code; }
  const Failure& failure() const { return failure_; }

 private:
  Failure failure_;
};

}  // namespace tandem

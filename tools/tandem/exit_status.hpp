// What scripts learn from how `tandem` ends.
#pragma once

#include "protocol/error.hpp"

namespace tandem::client {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;          // the job failed, or a request did
inline constexpr int kUsage = 2;           // the command line
inline constexpr int kNoService = 3;       // none accepts at the socket
inline constexpr int kAlreadyRunning = 4;  // one runs there; its pid is named
inline constexpr int kSignalled = 128;     // plus the signal's number

// An error that ends `tandem` with a status of its own.
class ExitError : public Error {
 public:
  ExitError(int status, Failure failure) : Error(std::move(failure)), status_(status) {}

  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace tandem::client

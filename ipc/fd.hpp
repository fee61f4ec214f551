// Ownership of one file descriptor.
#pragma once

#include <utility>

namespace tandem::ipc {

class Fd {
 public:
  Fd() = default;
  // Takes the descriptor over; -1 is none.
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~Fd() { reset(); }

  bool valid() const { return number_ >= 0; }
  // 0 is a valid descriptor: ask valid().
  explicit operator bool() const = delete;
  int get() const { return number_; }
  // Gives the descriptor to the caller, who closes it.
  [[nodiscard]] int release() { return std::exchange(number_, -1); }
  void reset(int number = -1) noexcept;
  // Another descriptor of the same file, closed on exec, with a number of at least `least`. Throws
  // kResourceExhausted where no descriptor is left.
  Fd duplicate(int least = 0) const;

 private:
  int number_ = -1;
};

}  // namespace tandem::ipc

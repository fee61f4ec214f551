// Who of several has had least of something that all of them want, by virtual time (start-time fair
// queueing, Goyal, Vin and Cheng 1996): a state machine without a clock.
#pragma once

#include <functional>
#include <map>
#include <string>

namespace tandem::coordinator {

// Those that want something are named by their caller. What one of them used is what it was charged
// with; being away saves nothing up, and coming back forgets nothing.
class FairShare {
 public:
  // From now on it wants its share. Again is no error.
  void join(const std::string& who);
  // It wants nothing for the time being. One that is not there is no error.
  void leave(const std::string& who);
  // Whoever `wants` is false of leaves.
  void keep_only(const std::function<bool(const std::string&)>& wants);

  // It has used so much, at least 0. One that is not there is not charged.
  void charge(const std::string& who, double amount);

  // What it has used, counted so that of those who are there the one with least is next. 0 for one
  // that is not there.
  double used(const std::string& who) const;

 private:
  using Shares = std::map<std::string, double>;

  void raise_floor();

  Shares here_;
  Shares away_;         // those who left with more than the floor
  double floor_ = 0.0;  // where someone new begins: least of those who are there
};

}  // namespace tandem::coordinator

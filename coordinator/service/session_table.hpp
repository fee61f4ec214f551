// The hosts' sessions: what a host that comes back is known by.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace tandem::coordinator {

class SessionTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // A session without connections and jobs is kept for so long.
  explicit SessionTable(std::chrono::seconds keep) : keep_(keep) {}

  // One more connection of the session that is asked for, or of a new one where the user has none
  // of this id. Returns its id.
  std::string begin(const std::optional<std::string>& asked, std::uint32_t user, TimePoint now);
  // A connection has gone.
  void end(const std::string& id, TimePoint now);
  // Forgets those that nobody came back to.
  void expire(TimePoint now, const std::function<bool(const std::string&)>& has_jobs);

  std::size_t size() const { return sessions_.size(); }

  // Past so many, those without a connection go early, longest unused first.
  static constexpr std::size_t kMost = 4096;

 private:
  struct Session {
    std::uint32_t user = 0;
    int connections = 0;
    TimePoint used;
  };

  void make_room();

  std::chrono::seconds keep_;
  std::map<std::string, Session> sessions_;
};

}  // namespace tandem::coordinator

#include "coordinator/service/session_table.hpp"

#include <random>
#include <string_view>

namespace tandem::coordinator {
namespace {

constexpr std::size_t kIdBytes = 32;

std::string new_id() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;
  std::string id;
  for (std::size_t i = 0; i < kIdBytes; ++i)
    id += kDigits[random() % kDigits.size()];
  return id;
}

}  // namespace

std::string SessionTable::begin(const std::optional<std::string>& asked, std::uint32_t user,
                                TimePoint now) {
  const auto known = asked ? sessions_.find(*asked) : sessions_.end();
  if (known != sessions_.end() && known->second.user == user) {
    ++known->second.connections;
    return known->first;
  }
  if (sessions_.size() >= kMost) make_room();
  std::string id = new_id();
  sessions_[id] = Session{user, 1, now};
  return id;
}

void SessionTable::end(const std::string& id, TimePoint now) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  --it->second.connections;
  it->second.used = now;
}

void SessionTable::expire(TimePoint now, const std::function<bool(const std::string&)>& has_jobs) {
  std::erase_if(sessions_, [&](const auto& entry) {
    const auto& [id, session] = entry;
    return session.connections == 0 && now - session.used > keep_ && !has_jobs(id);
  });
}

void SessionTable::make_room() {
  auto oldest = sessions_.end();
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    if (it->second.connections > 0) continue;
    if (oldest == sessions_.end() || it->second.used < oldest->second.used) oldest = it;
  }
  if (oldest != sessions_.end()) sessions_.erase(oldest);
}

}  // namespace tandem::coordinator

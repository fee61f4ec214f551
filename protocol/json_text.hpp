// JSON from outside: Boost.JSON's grammar with limits, exact numbers and no key twice.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "protocol/error.hpp"

namespace tandem {

inline constexpr std::size_t kMaxJsonBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxJsonValues = std::size_t{1} << 18;
inline constexpr std::size_t kMaxJsonKeyBytes = 256;

// Parses one UTF-8 JSON text. Numbers are exact: Boost 1.81's own conversion is off by one unit in
// the last place for about one double in seven. Throws Error(malformed) naming line and column, or
// the path of a key that stands twice, or the limit (the constants above) that the text exceeds.
boost::json::value parse_json(std::string_view text, ErrorCode malformed = ErrorCode::kBadRequest);

// The same for a text that must be an object.
boost::json::object parse_json_object(std::string_view text,
                                      ErrorCode malformed = ErrorCode::kBadRequest);

// The path of a member: "positive[1].area", "embeddings[\"my style\"]".
std::string key_path(std::string_view parent, std::string_view key);
std::string key_path(std::string_view parent, std::size_t index);

// Text from outside as a message may show it: printable, at most `limit` bytes, still UTF-8.
std::string shown(std::string_view text, std::size_t limit = 64);

}  // namespace tandem

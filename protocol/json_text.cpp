#include "protocol/json_text.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/value_stack.hpp>

namespace tandem {
namespace {

namespace json = boost::json;
using json::error_code;
using View = json::string_view;

bool is_plain(std::string_view key) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !key.empty() && key.find_first_not_of(kPlain) == std::string_view::npos;
}

// What basic_parser reports, built into values. Returning false with an error code ends the parse.
class Builder {
 public:
  static constexpr std::size_t max_array_size = kMaxJsonValues;
  static constexpr std::size_t max_object_size = kMaxJsonValues;
  static constexpr std::size_t max_string_size = kMaxJsonBytes;
  static constexpr std::size_t max_key_size = kMaxJsonKeyBytes;

  Builder() { stack_.reset(); }

  json::value release() { return stack_.release(); }
  const std::string& problem() const { return problem_; }
  const std::string& problem_path() const { return problem_path_; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }

  bool on_array_begin(error_code& ec) { return open(false, ec); }
  bool on_array_end(std::size_t n, error_code&) {
    levels_.pop_back();
    stack_.push_array(n);
    return true;
  }

  bool on_object_begin(error_code& ec) { return open(true, ec); }
  bool on_object_end(std::size_t n, error_code&) {
    levels_.pop_back();
    stack_.push_object(n);
    return true;
  }

  bool on_string_part(View part, std::size_t, error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(View part, std::size_t, error_code& ec) {
    stack_.push_string(part);
    return count(ec);
  }

  bool on_key_part(View part, std::size_t, error_code&) {
    partial_ += std::string_view(part);
    stack_.push_chars(part);
    return true;
  }
  bool on_key(View part, std::size_t, error_code& ec) {
    partial_ += std::string_view(part);
    stack_.push_key(part);
    Level& level = levels_.back();
    level.key = std::exchange(partial_, {});
    if (level.keys.insert(level.key).second) return true;
    return fail("a key stands twice in one object", ec);
  }

  bool on_number_part(View part, error_code&) {
    partial_ += std::string_view(part);
    return true;
  }
  bool on_int64(std::int64_t number, View, error_code& ec) {
    partial_.clear();
    stack_.push_int64(number);
    return count(ec);
  }
  bool on_uint64(std::uint64_t number, View, error_code& ec) {
    partial_.clear();
    stack_.push_uint64(number);
    return count(ec);
  }
  bool on_double(double, View part, error_code& ec) {
    partial_ += std::string_view(part);
    const std::string text = std::exchange(partial_, {});
    double number = 0.0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) {
      return fail("a number is outside what a 64-bit float can hold", ec);
    }
    stack_.push_double(number);
    return count(ec);
  }
  bool on_bool(bool value, error_code& ec) {
    stack_.push_bool(value);
    return count(ec);
  }
  bool on_null(error_code& ec) {
    stack_.push_null();
    return count(ec);
  }

  bool on_comment_part(View, error_code&) { return true; }
  bool on_comment(View, error_code&) { return true; }

 private:
  struct Level {
    bool is_object = false;
    std::size_t elements = 0;  // begun so far
    std::string key;           // the latest
    std::unordered_set<std::string> keys;
  };

  bool open(bool is_object, error_code& ec) {
    const bool within_limit = count(ec);
    levels_.emplace_back().is_object = is_object;
    return within_limit;
  }

  bool count(error_code& ec) {
    if (!levels_.empty()) ++levels_.back().elements;
    if (++values_ <= kMaxJsonValues) return true;
    return fail("more than " + std::to_string(kMaxJsonValues) + " values", ec);
  }

  bool fail(std::string problem, error_code& ec) {
    problem_ = std::move(problem);
    problem_path_ = path();
    ec = json::error::syntax;
    return false;
  }

  std::string path() const {
    std::string path;
    for (const Level& level : levels_) {
      path = level.is_object ? key_path(path, level.key)
                             : key_path(path, level.elements == 0 ? 0 : level.elements - 1);
    }
    return path;
  }

  json::value_stack stack_;
  std::vector<Level> levels_;
  std::string partial_;  // of a key or number that came in pieces
  std::size_t values_ = 0;
  std::string problem_, problem_path_;
};

std::string position(std::string_view text, std::size_t offset) {
  std::size_t line = 1;
  std::size_t column = 1;
  for (const char c : text.substr(0, offset)) {
    column = c == '\n' ? 1 : column + 1;
    line += c == '\n' ? 1 : 0;
  }
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

json::value parse_json(std::string_view text, ErrorCode malformed) {
  if (text.size() > kMaxJsonBytes) {
    throw Error(malformed, "The JSON text has " + std::to_string(text.size()) + " bytes; at most " +
                               std::to_string(kMaxJsonBytes) + " are taken.");
  }
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  json::basic_parser<Builder> parser(options);
  error_code ec;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && read < text.size()) ec = json::error::extra_data;
  if (!ec) return parser.handler().release();
  const std::string& problem = parser.handler().problem();
  throw Error(malformed,
              "The JSON text cannot be read at " + position(text, read) + ": " +
                  (problem.empty() ? ec.message() : problem) + ".",
              {}, parser.handler().problem_path());
}

json::object parse_json_object(std::string_view text, ErrorCode malformed) {
  json::value value = parse_json(text, malformed);
  if (json::object* object = value.if_object()) return std::move(*object);
  throw Error(malformed, "The JSON text is to be one object in braces, and is something else.");
}

std::string key_path(std::string_view parent, std::string_view key) {
  std::string path(parent);
  if (!is_plain(key)) return path + "[\"" + shown(key) + "\"]";
  if (!path.empty()) path += '.';
  return path += shown(key);
}

std::string key_path(std::string_view parent, std::size_t index) {
  return std::string(parent) + "[" + std::to_string(index) + "]";
}

std::string shown(std::string_view text, std::size_t limit) {
  std::string out(text.substr(0, limit));
  if (text.size() > limit) {
    // Not in the middle of a UTF-8 sequence: its later bytes are 10xxxxxx.
    std::size_t end = limit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      --end;
    out.resize(end);
    out += "...";
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

}  // namespace tandem

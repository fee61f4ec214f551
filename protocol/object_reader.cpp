#include "protocol/object_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

namespace tandem {
namespace {

namespace json = boost::json;

std::string number_text(double number) {
  std::array<char, 32> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), result.ptr};
}

// A short word may be shown to help; anything longer may be a prompt and is not.
std::string describe_string(std::string_view text) {
  constexpr std::size_t kMaxShown = 24;
  const bool is_word = text.find_first_of(" \t\n,()") == std::string_view::npos;
  if (is_word && text.size() <= kMaxShown)
    return std::string(1, '"').append(shown(text)).append(1, '"');
  return "a string of " + std::to_string(text.size()) + " bytes";
}

std::string describe(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return value.get_bool() ? "true" : "false";
    case json::kind::int64:
      return std::to_string(value.get_int64());
    case json::kind::uint64:
      return std::to_string(value.get_uint64());
    case json::kind::double_:
      return number_text(value.get_double());
    case json::kind::string:
      return describe_string(value.get_string());
    case json::kind::array:
      return "a list";
    case json::kind::object:
      return "an object";
  }
  return "something else";
}

// Whole numbers may be written as 20 or, as some languages do, 20.0.
std::optional<double> whole_double(const json::value& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const double* number = value.if_double();
  if (number == nullptr || std::abs(*number) > kExact || std::trunc(*number) != *number) {
    return std::nullopt;
  }
  return *number;
}

std::string describe(WholeRange range) {
  if (range.most == kMaxWhole && range.least == -kMaxWhole) return "a whole number";
  if (range.most == kMaxWhole) return "a whole number of at least " + std::to_string(range.least);
  return "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most);
}

std::string describe(NumberRange range) {
  const bool has_most = range.most < kAnyNumber.most;
  if (range.least == kAboveZero.least) {
    return "a number above 0" + (has_most ? " and up to " + number_text(range.most) : "");
  }
  if (range.least == kAnyNumber.least) return "a number";
  if (!has_most) return "a number of at least " + number_text(range.least);
  return "a number from " + number_text(range.least) + " to " + number_text(range.most);
}

// Where a list or an object belongs, a string may well be a prompt.
std::string describe_kind(const json::value& value) {
  return value.is_string() ? "a string" : describe(value);
}

[[noreturn]] void throw_unexpected(ErrorCode code, const std::string& path,
                                   std::string_view expected, const std::string& found) {
  throw Error(code, path + ": expected " + std::string(expected) + ", found " + found, {}, path);
}

[[noreturn]] void throw_unexpected(ErrorCode code, const std::string& path,
                                   std::string_view expected, const json::value& found) {
  throw_unexpected(code, path, expected, describe(found));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string joined(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names)
    list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

void check_string(std::string_view text, const std::string& path, const StringRule& rule) {
  const auto refuse = [&](const std::string& found) {
    throw Error(ErrorCode::kOutOfRange,
                path + ": expected " + std::string(rule.what) + " of at most " +
                    std::to_string(rule.max_bytes) + " bytes, found " + found,
                {}, path);
  };
  if (text.size() > rule.max_bytes) refuse(std::to_string(text.size()) + " bytes");
  if (rule.is_text) return;
  if (text.empty()) refuse("an empty string");
  if (text.find('\0') != std::string_view::npos) refuse("a NUL byte in it");
}

}  // namespace

bool to_bool(const json::value& value, const std::string& path) {
  if (const bool* flag = value.if_bool()) return *flag;
  throw_unexpected(ErrorCode::kBadRequest, path, "true or false", value);
}

int to_whole(const json::value& value, const std::string& path, WholeRange range) {
  std::optional<double> number = whole_double(value);
  if (const std::int64_t* whole = value.if_int64()) number = static_cast<double>(*whole);
  const bool too_big = value.is_uint64();  // Boost keeps what fits as int64
  if (!number && !too_big) {
    throw_unexpected(ErrorCode::kBadRequest, path, describe(range), value);
  }
  if (too_big || *number > range.most || *number < range.least) {
    const bool over = (too_big || *number > range.most) && range.most == kMaxWhole;
    throw_unexpected(
        ErrorCode::kOutOfRange, path,
        over ? "a whole number of at most " + std::to_string(kMaxWhole) : describe(range), value);
  }
  return static_cast<int>(*number);
}

std::uint64_t to_unsigned(const json::value& value, const std::string& path) {
  constexpr std::string_view kExpected = "a whole number from 0 to 18446744073709551615";
  if (const std::uint64_t* number = value.if_uint64()) return *number;
  if (const std::int64_t* number = value.if_int64(); number != nullptr && *number >= 0) {
    return static_cast<std::uint64_t>(*number);
  }
  const std::optional<double> number = whole_double(value);
  if (number && *number >= 0) return static_cast<std::uint64_t>(*number);
  throw_unexpected(value.is_number() ? ErrorCode::kOutOfRange : ErrorCode::kBadRequest, path,
                   kExpected, value);
}

double to_number(const json::value& value, const std::string& path, NumberRange range) {
  if (!value.is_number()) {
    throw_unexpected(ErrorCode::kBadRequest, path, describe(range), value);
  }
  const double number = value.to_number<double>();
  const bool inside = std::isfinite(number) && number >= range.least && number <= range.most;
  if (!inside) throw_unexpected(ErrorCode::kOutOfRange, path, describe(range), value);
  return number;
}

std::string to_text(const json::value& value, const std::string& path, const StringRule& rule) {
  const json::string* text = value.if_string();
  if (text == nullptr) throw_unexpected(ErrorCode::kBadRequest, path, rule.what, value);
  check_string(*text, path, rule);
  return {text->data(), text->size()};
}

const json::object& to_object(const json::value& value, const std::string& path) {
  if (const json::object* object = value.if_object()) return *object;
  throw_unexpected(ErrorCode::kBadRequest, path, "an object", describe_kind(value));
}

const json::array& to_array(const json::value& value, const std::string& path,
                            std::size_t max_elements) {
  const json::array* array = value.if_array();
  if (array == nullptr)
    throw_unexpected(ErrorCode::kBadRequest, path, "a list", describe_kind(value));
  if (array->size() <= max_elements) return *array;
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected a list of at most " + std::to_string(max_elements) +
                  " elements, found " + std::to_string(array->size()),
              {}, path);
}

const json::object& to_members(const json::value& value, const std::string& path,
                               std::size_t max_members) {
  const json::object& object = to_object(value, path);
  if (object.size() <= max_members) return object;
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected at most " + std::to_string(max_members) + " members, found " +
                  std::to_string(object.size()),
              {}, path);
}

std::size_t to_choice(const json::value& value, const std::string& path,
                      std::span<const std::string_view> names) {
  const json::string* text = value.if_string();
  const std::string expected = "one of " + joined(names);
  if (text == nullptr) throw_unexpected(ErrorCode::kBadRequest, path, expected, value);
  const auto found = std::find(names.begin(), names.end(), std::string_view(*text));
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected " + expected + ", found " + describe(value),
              hint_for_name(*text, names), path);
}

std::string hint_for_name(std::string_view name, std::span<const std::string_view> known) {
  constexpr std::size_t kMaxEdits = 2;
  std::string_view nearest;
  std::size_t least = kMaxEdits + 1;
  for (const std::string_view candidate : known) {
    // A distance is at least the difference in length, so long names cost nothing.
    if (std::max(name.size(), candidate.size()) >
        std::min(name.size(), candidate.size()) + kMaxEdits) {
      continue;
    }
    const std::size_t edits = edit_distance(name, candidate);
    if (edits < least && edits < candidate.size()) {
      least = edits;
      nearest = candidate;
    }
  }
  if (!nearest.empty()) return "Did you mean '" + std::string(nearest) + "'?";
  return known.empty() ? "No key is known here." : "Known here: " + joined(known) + ".";
}

ObjectReader::ObjectReader(const json::object& object, std::string path)
    : object_(object), path_(std::move(path)) {}

std::string ObjectReader::path_of(std::string_view key) const {
  return key_path(path_, key);
}

void ObjectReader::require(std::string_view key) const {
  if (has(key)) return;
  const std::string path = path_of(key);
  throw Error(ErrorCode::kBadRequest, path + ": this key is needed here and is missing", {}, path);
}

const json::value* ObjectReader::find(std::string_view key) {
  known_.push_back(key);
  return object_.if_contains(key);
}

void ObjectReader::read(std::string_view key, bool& field) {
  if (const json::value* value = find(key)) field = to_bool(*value, path_of(key));
}

void ObjectReader::read(std::string_view key, int& field, WholeRange range) {
  if (const json::value* value = find(key)) field = to_whole(*value, path_of(key), range);
}

void ObjectReader::read(std::string_view key, std::uint64_t& field) {
  if (const json::value* value = find(key)) field = to_unsigned(*value, path_of(key));
}

void ObjectReader::read(std::string_view key, double& field, NumberRange range) {
  if (const json::value* value = find(key)) field = to_number(*value, path_of(key), range);
}

void ObjectReader::read(std::string_view key, std::string& field, const StringRule& rule) {
  if (const json::value* value = find(key)) field = to_text(*value, path_of(key), rule);
}

void ObjectReader::read(std::string_view key, std::vector<std::string>& field,
                        const StringRule& rule, std::size_t max_elements) {
  const json::value* value = find(key);
  if (value == nullptr) return;
  const std::string list = path_of(key);
  field.clear();
  for (const json::value& element : to_array(*value, list, max_elements)) {
    field.push_back(to_text(element, key_path(list, field.size()), rule));
  }
}

void ObjectReader::read_one_or_many(std::string_view key, std::vector<std::string>& field,
                                    const StringRule& rule, std::size_t max_elements) {
  const json::value* value = find(key);
  if (value != nullptr && value->is_string()) {
    field = {to_text(*value, path_of(key), rule)};
  } else {
    read(key, field, rule, max_elements);
  }
}

void ObjectReader::finish() const {
  for (const auto& member : object_) {
    const std::string_view key = member.key();
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    const std::string path = path_of(key);
    throw Error(ErrorCode::kUnknownKey, path + ": this key is not known here",
                hint_for_name(key, known_), path);
  }
}

}  // namespace tandem

// Reads the keys of a JSON object into plain fields. Every error names the path of the key, what
// was expected and what stands there; a key that nobody asked for is an error too (finish).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem {

// A whole number's limits, both included. kMaxWhole leaves room to add two of them in an int.
inline constexpr int kMaxWhole = 1'000'000'000;
struct WholeRange {
  int least = -kMaxWhole;
  int most = kMaxWhole;
};

struct NumberRange {
  double least = std::numeric_limits<double>::lowest();
  double most = std::numeric_limits<double>::max();
};
inline constexpr NumberRange kAnyNumber{};
inline constexpr NumberRange kFraction{0.0, 1.0};
inline constexpr NumberRange kAboveZero{std::numeric_limits<double>::min()};

// What a string may be. No string but a text holds a NUL byte.
struct StringRule {
  std::string_view what;  // for messages: "a file name"
  std::size_t max_bytes = 0;
  bool is_text = false;  // may be empty, and is never shown in a message
};

// A value of an enum and its name in the format.
template <class E>
struct Named {
  std::string_view name;
  E value;
};

// One value each. Wrong type: kBadRequest; outside the range: kOutOfRange. The path is the value's
// own.
bool to_bool(const boost::json::value& value, const std::string& path);
int to_whole(const boost::json::value& value, const std::string& path, WholeRange range);
std::uint64_t to_unsigned(const boost::json::value& value, const std::string& path);
double to_number(const boost::json::value& value, const std::string& path, NumberRange range);
std::string to_text(const boost::json::value& value, const std::string& path,
                    const StringRule& rule);
const boost::json::object& to_object(const boost::json::value& value, const std::string& path);
const boost::json::array& to_array(const boost::json::value& value, const std::string& path,
                                   std::size_t max_elements);

// The position of the value's name among the names; kOutOfRange with the nearest name as hint.
std::size_t to_choice(const boost::json::value& value, const std::string& path,
                      std::span<const std::string_view> names);

// "Did you mean 'steps'?" where a known name is at most two edits away, else the list of them.
std::string hint_for_name(std::string_view name, std::span<const std::string_view> known);

class ObjectReader {
 public:
  // Both outlive the reader; the path is the object's own, empty for the root.
  ObjectReader(const boost::json::object& object, std::string path);

  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;
  bool has(std::string_view key) const { return object_.contains(key); }

  // Throws kBadRequest where the key is missing.
  void require(std::string_view key) const;

  // The value, or null; from now on the key is a known one.
  const boost::json::value* find(std::string_view key);

  // Each leaves the field as it is where the key is missing: its default stands.
  void read(std::string_view key, bool& field);
  void read(std::string_view key, int& field, WholeRange range);
  void read(std::string_view key, std::uint64_t& field);
  void read(std::string_view key, double& field, NumberRange range);
  void read(std::string_view key, std::string& field, const StringRule& rule);
  // A list of strings.
  void read(std::string_view key, std::vector<std::string>& field, const StringRule& rule,
            std::size_t max_elements);
  // A list of strings, or one string for a list of one.
  void read_one_or_many(std::string_view key, std::vector<std::string>& field,
                        const StringRule& rule, std::size_t max_elements);

  template <class T, class... Rule>
  void read(std::string_view key, std::optional<T>& field, const Rule&... rule) {
    T value{};
    const bool present = has(key);
    read(key, value, rule...);
    if (present) field = std::move(value);
  }

  template <class E, std::size_t N>
  void read(std::string_view key, E& field, const std::array<Named<E>, N>& choices) {
    std::array<std::string_view, N> names;
    for (std::size_t i = 0; i < N; ++i)
      names[i] = choices[i].name;
    if (const boost::json::value* value = find(key)) {
      field = choices[to_choice(*value, path_of(key), names)].value;
    }
  }

  // body(reader) of an object; its unknown keys are errors.
  template <class Body>
  bool read_object(std::string_view key, const Body& body) {
    const boost::json::value* value = find(key);
    if (value == nullptr) return false;
    read_value(*value, path_of(key), body);
    return true;
  }

  // body(reader) for each object of a list.
  template <class Body>
  void read_objects(std::string_view key, std::size_t max_elements, const Body& body);

  // body(name, value, path) for each member of an object whose keys are free.
  template <class Body>
  void read_members(std::string_view key, std::size_t max_members, const Body& body);

  // Throws kUnknownKey for the first key that nothing above has named.
  void finish() const;

  template <class Body>
  static void read_value(const boost::json::value& value, const std::string& path,
                         const Body& body) {
    ObjectReader reader(to_object(value, path), path);
    body(reader);
    reader.finish();
  }

 private:
  const boost::json::object& object_;
  std::string path_;
  std::vector<std::string_view> known_;
};

// The members of an object whose keys are free, counted and with keys of bounded length.
const boost::json::object& to_members(const boost::json::value& value, const std::string& path,
                                      std::size_t max_members);

template <class Body>
void ObjectReader::read_objects(std::string_view key, std::size_t max_elements, const Body& body) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return;
  const std::string list = path_of(key);
  std::size_t index = 0;
  for (const boost::json::value& element : to_array(*value, list, max_elements)) {
    read_value(element, key_path(list, index++), body);
  }
}

template <class Body>
void ObjectReader::read_members(std::string_view key, std::size_t max_members, const Body& body) {
  const boost::json::value* value = find(key);
  if (value == nullptr) return;
  const std::string map = path_of(key);
  for (const auto& member : to_members(*value, map, max_members)) {
    const std::string name(member.key());
    body(name, member.value(), key_path(map, name));
  }
}

}  // namespace tandem

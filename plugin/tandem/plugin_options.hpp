// The "options" that a job gives to a hook or to a unit of a plug-in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace tandem::plugin {

// monostate: null, a list or an object, which a plug-in that expects one reads from the text.
using OptionValue = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

// Readers throw std::invalid_argument, which becomes the job's error: an option of another type is
// refused, never replaced by its default.
class Options {
 public:
  Options() = default;
  Options(std::string json, std::map<std::string, OptionValue, std::less<>> values)
      : json_(std::move(json)), values_(std::move(values)) {}

  // The whole object as JSON text.
  const std::string& json() const { return json_; }

  // To be called once with all the names that are known: any other is refused.
  void allow(std::initializer_list<std::string_view> known) const {
    for (const auto& [name, value] : values_) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        throw std::invalid_argument("there is no option '" + name + "'");
    }
  }

  bool flag(std::string_view name, bool fallback) const { return get(name, fallback, "a bool"); }
  std::int64_t whole(std::string_view name, std::int64_t fallback) const {
    return get(name, fallback, "a whole number");
  }
  std::string text(std::string_view name, const std::string& fallback) const {
    return get(name, fallback, "a string");
  }
  double number(std::string_view name, double fallback) const {
    const auto it = values_.find(name);
    if (it != values_.end()) {
      if (const auto* whole = std::get_if<std::int64_t>(&it->second))
        return static_cast<double>(*whole);
    }
    return get(name, fallback, "a number");
  }

 private:
  template <class T>
  T get(std::string_view name, const T& fallback, const char* expected) const {
    const auto it = values_.find(name);
    if (it == values_.end()) return fallback;
    if (const T* value = std::get_if<T>(&it->second)) return *value;
    throw std::invalid_argument("the option '" + std::string(name) + "' is not " + expected);
  }

  std::string json_ = "{}";
  std::map<std::string, OptionValue, std::less<>> values_;
};

}  // namespace tandem::plugin

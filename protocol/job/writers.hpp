// The objects of the job format as JSON, the counterpart of readers.hpp: only what differs from the
// defaults is written.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "protocol/job/job.hpp"
#include "protocol/job/names.hpp"

namespace tandem::job::detail {

namespace json = boost::json;

inline json::array list_of(const std::vector<std::string>& strings) {
  json::array list;
  for (const std::string& text : strings)
    list.emplace_back(text);
  return list;
}

// Writes members of one object that differ from those of a default-made value.
class ObjectWriter {
 public:
  json::object take() { return std::move(object_); }

  void always(std::string_view key, json::value value) { object_[key] = std::move(value); }

  template <class T>
  void put(std::string_view key, const T& value, const T& fallback) {
    if (value != fallback) object_[key] = json::value(value);
  }
  void put(std::string_view key, const std::string& value) {
    if (!value.empty()) object_[key] = value;
  }
  void put(std::string_view key, const std::vector<std::string>& values) {
    if (!values.empty()) object_[key] = list_of(values);
  }
  template <class T>
  void put(std::string_view key, const std::optional<T>& value) {
    if (value) object_[key] = json::value(*value);
  }
  // An object or list that is left out where it is empty.
  void put(std::string_view key, json::object value) {
    if (!value.empty()) object_[key] = std::move(value);
  }
  void put(std::string_view key, json::array value) {
    if (!value.empty()) object_[key] = std::move(value);
  }
  template <class E, std::size_t N>
  void put(std::string_view key, E value, E fallback, const std::array<Named<E>, N>& names) {
    if (value != fallback) object_[key] = name_of(value, names);
  }
  template <class E, std::size_t N>
  void put(std::string_view key, std::optional<E> value, const std::array<Named<E>, N>& names) {
    if (value) object_[key] = name_of(*value, names);
  }

 private:
  json::object object_;
};

json::object write(const Model& model);
json::object write(const Motion& motion);
json::object write(const Sampling& sampling);
json::object write(const Context& context);
json::object write(const Workers& workers);
json::object write(const Cond& cond);
json::object write(const std::map<std::string, std::vector<Hook>>& groups);
json::array write(const std::vector<Cond>& conds);

}  // namespace tandem::job::detail

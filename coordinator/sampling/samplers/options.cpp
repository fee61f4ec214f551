#include "coordinator/sampling/samplers/options.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

std::string path_of(std::string_view option) {
  return "sampler.options." + std::string(option);
}

[[noreturn]] void throw_unknown(std::string_view sampler, std::span<const OptionRow> rows,
                                std::string_view option) {
  std::string names;
  for (const OptionRow& row : rows)
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  throw Error(
      ErrorCode::kUnknownKey,
      "The sampler '" + std::string(sampler) + "' has no option '" + std::string(option) + "'.",
      names.empty() ? "It has no options." : "Its options are " + names + ".", path_of(option));
}

const char* type_name(const job::OptionValue& value) {
  constexpr std::array kNames = {"true or false", "a whole number", "a number", "a text"};
  return kNames.at(value.index());
}

[[noreturn]] void throw_value(std::string_view option, const std::string& expected) {
  throw Error(ErrorCode::kOutOfRange,
              "The option '" + std::string(option) + "' is " + expected + ".", "", path_of(option));
}

// 2, not 2.000000
std::string number_text(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

void check_number(const OptionRow& row, double number) {
  if (!std::isfinite(number)) throw_value(row.name, "a finite number");
  if (number >= row.least && number <= row.most) return;
  const bool has_most = std::isfinite(row.most);
  throw_value(row.name, (has_most ? "" : "at least ") + number_text(row.least) +
                            (has_most ? " to " + number_text(row.most) : "") + ", not " +
                            number_text(number));
}

void check_text(const OptionRow& row, const std::string& text) {
  std::string names;
  for (const std::string_view choice : row.choices) {
    if (choice == text) return;
    names += (names.empty() ? "'" : " or '") + std::string(choice) + "'";
  }
  throw_value(row.name, names + ", not '" + text + "'");
}

// value as the type of the row's default, checked.
job::OptionValue convert(const OptionRow& row, const job::OptionValue& value) {
  job::OptionValue converted = value;
  if (const auto* whole = std::get_if<std::int64_t>(&value);
      whole != nullptr && std::holds_alternative<double>(row.fallback)) {
    converted = static_cast<double>(*whole);
  }
  if (converted.index() != row.fallback.index()) {
    throw_value(row.name, std::string(type_name(row.fallback)) + ", not " + type_name(value));
  }
  if (const auto* number = std::get_if<double>(&converted)) check_number(row, *number);
  if (const auto* whole = std::get_if<std::int64_t>(&converted)) {
    check_number(row, static_cast<double>(*whole));
  }
  if (const auto* text = std::get_if<std::string>(&converted)) check_text(row, *text);
  return converted;
}

}  // namespace

SamplerOptions::SamplerOptions(std::string_view sampler, std::span<const OptionRow> rows,
                               const std::map<std::string, job::OptionValue>& given) {
  for (const OptionRow& row : rows)
    values_.emplace(row.name, row.fallback);
  for (const auto& [option, value] : given) {
    const std::string_view name = option;
    const auto row =
        std::find_if(rows.begin(), rows.end(), [&](const OptionRow& r) { return r.name == name; });
    if (row == rows.end()) throw_unknown(sampler, rows, option);
    values_[option] = convert(*row, value);
  }
}

const job::OptionValue& SamplerOptions::value(std::string_view name) const {
  const auto place = values_.find(name);
  if (place == values_.end()) {
    throw std::out_of_range("the sampler's row has no option " + std::string(name));
  }
  return place->second;
}

double SamplerOptions::number(std::string_view name) const {
  return std::get<double>(value(name));
}

std::int64_t SamplerOptions::whole(std::string_view name) const {
  return std::get<std::int64_t>(value(name));
}

bool SamplerOptions::flag(std::string_view name) const {
  return std::get<bool>(value(name));
}

const std::string& SamplerOptions::text(std::string_view name) const {
  return std::get<std::string>(value(name));
}

}  // namespace tandem::coordinator

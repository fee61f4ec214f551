#include "coordinator/sampling/samplers/options.hpp"

#include <algorithm>
#include <array>
#include <cmath>
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

// value as the type of fallback.
job::OptionValue convert(std::string_view option, const job::OptionValue& fallback,
                         const job::OptionValue& value) {
  job::OptionValue converted = value;
  if (const auto* whole = std::get_if<std::int64_t>(&value);
      whole != nullptr && std::holds_alternative<double>(fallback)) {
    converted = static_cast<double>(*whole);
  }
  if (converted.index() != fallback.index()) {
    throw Error(ErrorCode::kOutOfRange,
                "The option '" + std::string(option) + "' is " + type_name(fallback) + ", not " +
                    type_name(value) + ".",
                "", path_of(option));
  }
  if (const auto* number = std::get_if<double>(&converted); number && !std::isfinite(*number)) {
    throw Error(ErrorCode::kOutOfRange,
                "The option '" + std::string(option) + "' is a finite number.", "",
                path_of(option));
  }
  return converted;
}

}  // namespace

SamplerOptions::SamplerOptions(std::string_view sampler, std::span<const OptionRow> rows,
                               const std::map<std::string, job::OptionValue>& given) {
  for (const OptionRow& row : rows)
    values_.emplace(row.name, row.fallback);
  for (const auto& [option, value] : given) {
    const auto place = values_.find(option);
    if (place == values_.end()) throw_unknown(sampler, rows, option);
    place->second = convert(option, place->second, value);
  }
}

double SamplerOptions::number(std::string_view name) const {
  const auto place = values_.find(name);
  if (place == values_.end()) {
    throw std::out_of_range("the sampler's row has no option " + std::string(name));
  }
  return std::get<double>(place->second);
}

}  // namespace tandem::coordinator

// A sampler's options: what it has, and what a job set.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// The type of the default is the option's type.
struct OptionRow {
  std::string_view name;
  job::OptionValue fallback;
  // Of a number; both included.
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  // Of a text: all that it may be.
  std::vector<std::string_view> choices = {};
};

// The values that a sampler reads, each checked.
class SamplerOptions {
 public:
  // given over the defaults of rows. Throws Error(kUnknownKey) for an option that the sampler does
  // not have, with those it has as the hint, Error(kOutOfRange) for a value of another type, a
  // number that is not finite or outside its row's range, a text that is none of its row's choices;
  // both name "sampler.options.X". A number may be written without a fraction.
  SamplerOptions(std::string_view sampler, std::span<const OptionRow> rows,
                 const std::map<std::string, job::OptionValue>& given);

  // The value of an option that the rows name, as the type of its default; asking for another one
  // is a bug (std::out_of_range).
  double number(std::string_view name) const;
  std::int64_t whole(std::string_view name) const;
  bool flag(std::string_view name) const;
  const std::string& text(std::string_view name) const;

 private:
  const job::OptionValue& value(std::string_view name) const;

  std::map<std::string, job::OptionValue, std::less<>> values_;
};

}  // namespace tandem::coordinator

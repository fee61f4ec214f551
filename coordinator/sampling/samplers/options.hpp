// A sampler's options: what it has, and what a job set.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// The type of the default is the option's type.
struct OptionRow {
  std::string_view name;
  job::OptionValue fallback;
};

// The values that a sampler reads, each checked.
class SamplerOptions {
 public:
  // given over the defaults of rows. Throws Error(kUnknownKey) for an option that the sampler does
  // not have, with those it has as the hint, Error(kOutOfRange) for a value of another type or a
  // number that is not finite; both name "sampler.options.X". A number may be written without a
  // fraction.
  SamplerOptions(std::string_view sampler, std::span<const OptionRow> rows,
                 const std::map<std::string, job::OptionValue>& given);

  // The value of a numeric option that the rows name; asking for another one is a bug
  // (std::out_of_range).
  double number(std::string_view name) const;

 private:
  std::map<std::string, job::OptionValue, std::less<>> values_;
};

}  // namespace tandem::coordinator

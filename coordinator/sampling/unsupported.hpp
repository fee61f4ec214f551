// What a job may ask for that this version cannot do yet: refused by name when the job arrives,
// never ignored.
#pragma once

#include <string>
#include <vector>

#include "protocol/job/job.hpp"

namespace tandem::coordinator {

struct UnsupportedKey {
  std::string path;  // "positive[1].area"
  std::string what;  // "areas"

  bool operator==(const UnsupportedKey&) const = default;
};

// Every such key of the job, in the order of the job format.
std::vector<UnsupportedKey> find_unsupported(const job::Job& job);

// Throws Error(kUnsupported) that names all of them, with the first one's path.
void require_supported(const job::Job& job);
// The same of one cond, of the job or not.
void require_supported_cond(const job::Cond& cond, const std::string& path);

}  // namespace tandem::coordinator

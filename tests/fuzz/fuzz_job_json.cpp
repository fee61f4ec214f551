// The job format: what can be read is written back as the same job.
#include <cstdlib>

#include "protocol/error.hpp"
#include "protocol/job/job_json.hpp"
#include "protocol/job/job_uses.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tandem::job::Job job;
  try {
    job = tandem::job::parse_job(tandem::fuzz::text_of(data, size));
  } catch (const tandem::Error& error) {
    if (error.failure().message.empty()) std::abort();
    return 0;
  }
  if (tandem::job::parse_job(tandem::job::to_json(job)) != job) std::abort();
  tandem::job::resolve_paths(job, "/jobs");
  for (const auto& use : tandem::job::tensors_named(job)) {
    if (use.name.empty() || use.path.empty()) std::abort();
  }
  return 0;
}

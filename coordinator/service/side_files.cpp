#include "coordinator/service/side_files.hpp"

#include "coordinator/service/model_spec_of.hpp"
#include "models/checkpoint/header_file.hpp"
#include "protocol/job/job_uses.hpp"

namespace tandem::coordinator {

SideFiles find_side_files(job::Job job) {
  SideFiles files;
  for (const job::FileUse& use : job::files_named(job)) {
    if (use.kind != job::FileKind::kLora) continue;
    if (files.contains(*use.file)) continue;
    files.emplace(*use.file, models::HeaderFile(absolute_path(*use.file, use.path)).stamp());
  }
  return files;
}

}  // namespace tandem::coordinator

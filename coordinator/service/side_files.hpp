// The files of weights that a job names beside its model's own: LoRAs, and those of hooks.
#pragma once

#include <map>
#include <string>

#include "protocol/file_stamp.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// By the path that the job gives, as they are now.
using SideFiles = std::map<std::string, FileStamp>;

// Opens each and reads its header. Throws kBadRequest for a path that is not absolute, kMissingFile
// and kBadCheckpoint as models::HeaderFile does.
SideFiles find_side_files(job::Job job);

}  // namespace tandem::coordinator

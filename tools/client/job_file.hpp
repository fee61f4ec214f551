// A job as the command line takes it: a JSON file, or a picture that Tandem made.
#pragma once

#include <filesystem>

#include <boost/json/object.hpp>

#include "protocol/job/job.hpp"

namespace tandem::client {

struct JobFile {
  job::Job job;                  // its input files absolute, or names
  std::filesystem::path folder;  // where the file is: relative names begin here
  bool is_picture = false;
};

// Reads JOB.json, or the job in PICTURE.png (told by its first bytes). Relative input files are
// those below the job file's folder where they are there, else names for the service to look up.
// Throws what parse_job and read_png_texts throw, the file named in front; kMissingFile; kNotFound
// for a picture without a job.
JobFile load_job(const std::filesystem::path& path);

// Gives the job's picture another name where a repetition would write over the picture that it is
// read from: "picture.png" becomes "picture-repeat.png".
void spare_picture(JobFile& file, const std::filesystem::path& picture,
                   const std::filesystem::path& output_folder);

// The job with the types that its parts computed in, as "types" of the result's reply names them:
// what a picture carries, so that repeating it elsewhere computes in the same. Names that this
// version does not know change nothing.
job::Job with_types(job::Job job, const boost::json::object& types);

}  // namespace tandem::client

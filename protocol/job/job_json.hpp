// The job format of docs/job-format.md: JSON to Job and back.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "protocol/job/job.hpp"

namespace tandem::job {

// Reads and checks a job as far as its text tells: types, ranges, limits (job/limits.hpp), unknown
// keys, keys that exclude each other, hook groups that do not exist. Whether files, tensors,
// samplers and features exist is for the service to say.
//
// Throws Error whose path is the key's in the job ("positive[1].area.height") and whose message
// begins with it: kUnknownKey (the hint is the nearest known key, or the list of them),
// kOutOfRange, kBadRequest (a wrong type, a key that is missing or contradicts another, a text that
// is no JSON or has a key twice), kUnsupportedVersion, kUnsupported ({"tensors": ...} in place of a
// file). No message holds a prompt's text.
Job parse_job(std::string_view json);
Job parse_job(const boost::json::object& json);

// The job with only the keys whose values are not the defaults: parse_job(to_json(job)) == job for
// every job that parse_job can return.
boost::json::object to_json(const Job& job);

}  // namespace tandem::job

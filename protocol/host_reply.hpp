// Replies of the host protocol (docs/protocol.md) as JSON, and the values that travel in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "protocol/error.hpp"
#include "protocol/host_event.hpp"

namespace tandem {

// What "hello" tells a host about the service's bounds.
struct HostLimits {
  std::uint64_t frame_bytes = std::uint64_t{16} << 20;  // JSON of one frame
  std::uint64_t descriptors = 8;                        // of one frame
  std::uint64_t queued_jobs = 256;                      // per user
  std::uint64_t queued_bytes = std::uint64_t{1} << 30;  // of tensors, per user
  std::uint64_t result_ttl_seconds = 3600;

  bool operator==(const HostLimits&) const = default;
};

boost::json::object to_json(const HostLimits& limits);
HostLimits limits_from_json(const boost::json::object& json);  // unknown keys ignored; kBadFrame

// A job as "jobs" lists it and "job" answers it.
struct JobStatus {
  std::string job;
  Phase state = Phase::kQueued;
  int step = 0;   // steps ended so far
  int total = 0;  // 0: not known yet, or no sampler
  std::optional<Failure> failure;
  std::string session = {};  // of the host that sent it
  int priority = 0;

  bool operator==(const JobStatus&) const = default;
};

boost::json::object to_json(const JobStatus& status);
JobStatus status_from_json(const boost::json::object& json);  // unknown keys ignored; kBadFrame

// The error object; what is empty or 0 is left out. `job` is the id of the job it ended, if any.
boost::json::object failure_to_json(const Failure& failure, std::string_view job = {});

// A client's reading of it: a code that this version does not know becomes kInternal.
Failure failure_from_json(const boost::json::object& json);

// Frame bodies. `fields` joins "id" and "ok"; without an id that could be read, the reply's is
// null.
std::string ok_reply(std::uint64_t id, const boost::json::object& fields = {});
std::string error_reply(std::optional<std::uint64_t> id, const Failure& failure,
                        std::string_view job = {});

// What is sent once before a connection is closed for what came over it.
std::string error_frame(const Failure& failure);

}  // namespace tandem

// Events of the host protocol (docs/protocol.md): what a job's subscribers are told.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/object.hpp>

#include "protocol/error.hpp"

namespace tandem {

enum class Phase : std::uint8_t {
  kQueued,
  kLoading,
  kEncoding,
  kSampling,
  kDecoding,
  kDone,
  kFailed,
  kCancelled,
};

// "queued", "loading" ...: also the state of a job.
std::string_view name(Phase phase);
std::optional<Phase> find_phase(std::string_view name);
// Whether a job in this phase has ended.
bool is_final(Phase phase);

struct PhaseEvent {
  Phase phase = Phase::kQueued;
  std::optional<int> position;     // queued: jobs before this one
  std::string file;                // loading: the file's name
  std::uint64_t bytes = 0;         // loading: read so far
  std::uint64_t of = 0;            // loading: to read in all
  std::optional<Failure> failure;  // failed, cancelled

  bool operator==(const PhaseEvent&) const = default;
};

// Sent after each step of the sampler.
struct StepEvent {
  int step = 0;  // from 1
  int total = 0;
  double sigma = 0.0;                               // the one that the step began with
  double seconds_per_step = 0.0;                    // mean so far
  double seconds_left = 0.0;                        // of sampling
  std::map<std::string, int> units;                 // by worker, in this step
  std::map<std::string, double> busy_seconds = {};  // that each worker spent on them

  bool operator==(const StepEvent&) const = default;
};

struct WarningEvent {
  std::string code;
  std::string message;

  bool operator==(const WarningEvent&) const = default;
};

enum class WorkerChange : std::uint8_t { kStarted, kLost, kReplaced, kRerun };

struct WorkerEvent {
  std::string worker;
  WorkerChange what = WorkerChange::kStarted;
  std::optional<int> exit;            // lost: exit status
  std::optional<int> signal;          // lost: the signal that ended it
  std::string last_words;             // lost: end of its standard error
  std::optional<std::uint64_t> unit;  // rerun: id of the unit

  bool operator==(const WorkerEvent&) const = default;
};

using Event = std::variant<PhaseEvent, StepEvent, WarningEvent, WorkerEvent>;

// An event of a job; seq counts from 1 without gaps.
struct JobEvent {
  std::string job;
  std::uint64_t seq = 0;
  Event event;

  bool operator==(const JobEvent&) const = default;
};

// {"event": "step", "job": ..., "seq": ..., ...}. Numbers that are not finite are left out.
boost::json::object to_json(const JobEvent& event);

// {"event": "preview", ...} of a frame whose first descriptor holds the tensors: it has no seq.
boost::json::object preview_to_json(std::string_view job, int step);

// A client's reading: unknown keys are ignored, an event of a kind or a phase that this version
// does not know is null. Throws kBadFrame where a key has the wrong type.
std::optional<JobEvent> event_from_json(const boost::json::object& json);

}  // namespace tandem

// Requests of the host protocol (docs/protocol.md) as values. A frame's JSON is opened first, so
// that whatever is wrong with the rest of it can be answered under the request's id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/object.hpp>

#include "protocol/evaluator/requests.hpp"
#include "protocol/host_event.hpp"
#include "protocol/host_reply.hpp"
#include "protocol/job/job.hpp"

namespace tandem {

inline constexpr int kHostProtocolVersion = 1;

struct HelloRequest {
  int lowest = kHostProtocolVersion;  // protocol versions that the client speaks
  int highest = kHostProtocolVersion;
  std::string client;                  // its name, for people
  std::optional<std::string> session;  // to re-attach to

  bool operator==(const HelloRequest&) const = default;
};

struct CatalogRequest {
  bool operator==(const CatalogRequest&) const = default;
};

struct DevicesRequest {
  bool operator==(const DevicesRequest&) const = default;
};

enum class OnDisconnect : std::uint8_t { kKeep, kCancel };

struct SubmitRequest {
  job::Job job;
  std::optional<int> tensors;  // index of the descriptor with the job's tensors
  bool previews = false;       // "preview" is among "events"; the other kinds are always sent
  OnDisconnect on_disconnect = OnDisconnect::kKeep;
  int priority = 0;  // -10 to 10, higher first

  bool operator==(const SubmitRequest&) const = default;
};

struct JobsRequest {
  bool operator==(const JobsRequest&) const = default;
};

struct JobRequest {
  std::string job;

  bool operator==(const JobRequest&) const = default;
};

struct WatchRequest {
  std::string job;
  std::uint64_t after = 0;  // last seq seen

  bool operator==(const WatchRequest&) const = default;
};

// Of a job, or of an evaluate.
struct CancelRequest {
  std::string job;             // empty: of an evaluate
  std::string evaluator = {};  // of which
  std::uint64_t request = 0;   // the evaluate's id

  bool operator==(const CancelRequest&) const = default;
};

struct ResultRequest {
  std::string job;

  bool operator==(const ResultRequest&) const = default;
};

struct ForgetRequest {
  std::string job;

  bool operator==(const ForgetRequest&) const = default;
};

struct PingRequest {
  bool operator==(const PingRequest&) const = default;
};

struct UnloadRequest {
  std::optional<std::string> model;  // a name as `devices` gives it, or a path; none: all

  bool operator==(const UnloadRequest&) const = default;
};

struct FreeRequest {
  std::string device;
  std::uint64_t bytes = 0;  // that are to be free

  bool operator==(const FreeRequest&) const = default;
};

struct BudgetRequest {
  std::string device;
  std::optional<std::uint64_t> bytes;  // none: no limit

  bool operator==(const BudgetRequest&) const = default;
};

enum class WorkerAction : std::uint8_t { kAdd, kDrain, kEnable, kDisable };

struct WorkerRequest {
  std::string device;  // or a worker's name
  WorkerAction action = WorkerAction::kAdd;

  bool operator==(const WorkerRequest&) const = default;
};

using Request =
    std::variant<HelloRequest, CatalogRequest, DevicesRequest, SubmitRequest, JobsRequest,
                 JobRequest, WatchRequest, CancelRequest, ResultRequest, ForgetRequest, PingRequest,
                 UnloadRequest, FreeRequest, BudgetRequest, WorkerRequest, PrepareRequest,
                 AddCondsRequest, DropCondsRequest, EvaluateRequest, ReleaseRequest>;

// "hello", "submit" ...
std::string_view name(const Request& request);

// A frame's JSON of which only the id has been looked at.
struct RequestEnvelope {
  std::optional<std::uint64_t> id;  // none where it is missing or no whole number from 0
  boost::json::object body;
};

// Throws kBadFrame where the text is no JSON object (the connection is to be closed).
RequestEnvelope open_request(std::string_view json);

// Throws an Error to be answered under the envelope's id: kBadRequest, kUnknownKey, kOutOfRange;
// for a type of a later version kUnsupported; for a hello that does not include version 1,
// kUnsupportedVersion; for a job whatever parse_job throws, its paths relative to the job.
Request parse_request(const RequestEnvelope& envelope);

// The JSON that a client sends.
std::string to_json(std::uint64_t id, const Request& request);

}  // namespace tandem

#include "protocol/host_reply.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "protocol/object_reader.hpp"

namespace tandem {
namespace {

namespace json = boost::json;

constexpr StringRule kAnyText{"a text", kMaxJsonBytes, true};

void put(json::object& out, std::string_view key, std::string_view text) {
  if (!text.empty()) out[key] = text;
}
void put(json::object& out, std::string_view key, std::uint64_t number) {
  if (number != 0) out[key] = number;
}

// Whatever is wrong with what a service sent is a bad frame to its client.
template <class Body>
auto read_reply(const json::object& object, const Body& body) {
  try {
    ObjectReader keys(object, {});
    return body(keys);
  } catch (const Error& error) {
    throw Error(ErrorCode::kBadFrame,
                "The service sent a reply that cannot be read: " + std::string(error.what()));
  }
}

Phase read_phase(ObjectReader& keys) {
  std::string text;
  keys.require("state");
  keys.read("state", text, kAnyText);
  const std::optional<Phase> phase = find_phase(text);
  if (!phase)
    throw Error(ErrorCode::kBadFrame, "state: \"" + shown(text) + "\" is no state of a job");
  return *phase;
}

}  // namespace

json::object to_json(const HostLimits& limits) {
  return {{"frame_bytes", limits.frame_bytes},
          {"descriptors", limits.descriptors},
          {"queued_jobs", limits.queued_jobs},
          {"queued_bytes", limits.queued_bytes},
          {"result_ttl_seconds", limits.result_ttl_seconds}};
}

HostLimits limits_from_json(const json::object& object) {
  return read_reply(object, [](ObjectReader& keys) {
    HostLimits limits;
    keys.read("frame_bytes", limits.frame_bytes);
    keys.read("descriptors", limits.descriptors);
    keys.read("queued_jobs", limits.queued_jobs);
    keys.read("queued_bytes", limits.queued_bytes);
    keys.read("result_ttl_seconds", limits.result_ttl_seconds);
    return limits;
  });
}

json::object to_json(const JobStatus& status) {
  json::object out;
  out["job"] = status.job;
  put(out, "session", status.session);
  out["priority"] = status.priority;
  out["state"] = name(status.state);
  out["step"] = status.step;
  out["total"] = status.total;
  if (status.failure) out["error"] = failure_to_json(*status.failure, status.job);
  return out;
}

JobStatus status_from_json(const json::object& object) {
  return read_reply(object, [](ObjectReader& keys) {
    JobStatus status;
    keys.require("job");
    keys.read("job", status.job, kAnyText);
    keys.read("session", status.session, kAnyText);
    keys.read("priority", status.priority, WholeRange{});
    status.state = read_phase(keys);
    keys.read("step", status.step, WholeRange{0, kMaxWhole});
    keys.read("total", status.total, WholeRange{0, kMaxWhole});
    if (const json::value* error = keys.find("error")) {
      status.failure = failure_from_json(to_object(*error, "error"));
    }
    return status;
  });
}

json::object failure_to_json(const Failure& failure, std::string_view job) {
  json::object out;
  out["code"] = name(failure.code);
  out["message"] = failure.message;
  put(out, "hint", failure.hint);
  out["retryable"] = is_retryable(failure.code);
  out["fault"] = name(fault_of(failure.code));
  put(out, "path", failure.path);
  put(out, "job", job);
  put(out, "worker", failure.worker);
  put(out, "needed_bytes", failure.needed_bytes);
  put(out, "free_bytes", failure.free_bytes);
  return out;
}

Failure failure_from_json(const json::object& object) {
  return read_reply(object, [](ObjectReader& keys) {
    Failure failure;
    std::string code;
    keys.require("code");
    keys.read("code", code, kAnyText);
    failure.code = find_error_code(code).value_or(ErrorCode::kInternal);
    keys.read("message", failure.message, kAnyText);
    keys.read("hint", failure.hint, kAnyText);
    keys.read("path", failure.path, kAnyText);
    keys.read("worker", failure.worker, kAnyText);
    keys.read("needed_bytes", failure.needed_bytes);
    keys.read("free_bytes", failure.free_bytes);
    return failure;
  });
}

std::string ok_reply(std::uint64_t id, const json::object& fields) {
  json::object out;
  out["id"] = id;
  out["ok"] = true;
  for (const auto& field : fields)
    out.insert_or_assign(field.key(), field.value());
  return json::serialize(out);
}

std::string error_reply(std::optional<std::uint64_t> id, const Failure& failure,
                        std::string_view job) {
  json::object out;
  out["id"] = id ? json::value(*id) : json::value(nullptr);
  out["ok"] = false;
  out["error"] = failure_to_json(failure, job);
  return json::serialize(out);
}

std::string error_frame(const Failure& failure) {
  return json::serialize(json::object{{"event", "error"}, {"error", failure_to_json(failure)}});
}

}  // namespace tandem

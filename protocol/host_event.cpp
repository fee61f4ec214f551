#include "protocol/host_event.hpp"

#include <array>
#include <cmath>

#include "protocol/host_reply.hpp"
#include "protocol/object_reader.hpp"

namespace tandem {
namespace {

namespace json = boost::json;

constexpr std::array kPhases = {
    Named<Phase>{"queued", Phase::kQueued},     Named<Phase>{"loading", Phase::kLoading},
    Named<Phase>{"encoding", Phase::kEncoding}, Named<Phase>{"sampling", Phase::kSampling},
    Named<Phase>{"decoding", Phase::kDecoding}, Named<Phase>{"done", Phase::kDone},
    Named<Phase>{"failed", Phase::kFailed},     Named<Phase>{"cancelled", Phase::kCancelled},
};

constexpr std::array kChanges = {
    Named<WorkerChange>{"started", WorkerChange::kStarted},
    Named<WorkerChange>{"lost", WorkerChange::kLost},
    Named<WorkerChange>{"replaced", WorkerChange::kReplaced},
    Named<WorkerChange>{"rerun", WorkerChange::kRerun},
};

constexpr StringRule kAnyText{"a text", kMaxJsonBytes, true};
constexpr WholeRange kCount{0, kMaxWhole};
constexpr std::size_t kMaxWorkersTold = 65536;

template <class E, std::size_t N>
std::string_view name_in(E value, const std::array<Named<E>, N>& names) {
  return names.at(static_cast<std::size_t>(value)).name;
}

void put(json::object& out, std::string_view key, double number) {
  if (std::isfinite(number)) out[key] = number;
}
void put(json::object& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out[key] = text;
}
void put(json::object& out, std::string_view key, std::uint64_t number) {
  if (number != 0) out[key] = number;
}
template <class T>
void put(json::object& out, std::string_view key, const std::optional<T>& value) {
  if (value) out[key] = *value;
}

void write(json::object& out, const PhaseEvent& event) {
  out["event"] = "phase";
  out["phase"] = name(event.phase);
  put(out, "position", event.position);
  put(out, "file", event.file);
  if (event.phase == Phase::kLoading) out["bytes"] = event.bytes;
  put(out, "of", event.of);
  if (event.failure) out["error"] = failure_to_json(*event.failure);
}

void write(json::object& out, const StepEvent& event) {
  out["event"] = "step";
  out["step"] = event.step;
  out["total"] = event.total;
  put(out, "sigma", event.sigma);
  put(out, "seconds_per_step", event.seconds_per_step);
  put(out, "seconds_left", event.seconds_left);
  json::object& units = out["units"].emplace_object();
  for (const auto& [worker, count] : event.units)
    units[worker] = count;
  json::object& busy = out["busy_seconds"].emplace_object();
  for (const auto& [worker, seconds] : event.busy_seconds)
    put(busy, worker, seconds);
}

void write(json::object& out, const WarningEvent& event) {
  out["event"] = "warning";
  out["code"] = event.code;
  out["message"] = event.message;
}

void write(json::object& out, const WorkerEvent& event) {
  out["event"] = "worker";
  out["worker"] = event.worker;
  out["what"] = name_in(event.what, kChanges);
  put(out, "exit", event.exit);
  put(out, "signal", event.signal);
  put(out, "last_words", event.last_words);
  put(out, "unit", event.unit);
}

PhaseEvent read_phase(ObjectReader& keys) {
  PhaseEvent event;
  keys.read("phase", event.phase, kPhases);
  keys.read("position", event.position, kCount);
  keys.read("file", event.file, kAnyText);
  keys.read("bytes", event.bytes);
  keys.read("of", event.of);
  if (const json::value* error = keys.find("error")) {
    event.failure = failure_from_json(to_object(*error, keys.path_of("error")));
  }
  return event;
}

StepEvent read_step(ObjectReader& keys) {
  StepEvent event;
  keys.read("step", event.step, kCount);
  keys.read("total", event.total, kCount);
  keys.read("sigma", event.sigma, kAnyNumber);
  keys.read("seconds_per_step", event.seconds_per_step, kAnyNumber);
  keys.read("seconds_left", event.seconds_left, kAnyNumber);
  keys.read_members(
      "units", kMaxWorkersTold,
      [&](const std::string& worker, const json::value& count, const std::string& path) {
        event.units[worker] = to_whole(count, path, kCount);
      });
  keys.read_members(
      "busy_seconds", kMaxWorkersTold,
      [&](const std::string& worker, const json::value& seconds, const std::string& path) {
        event.busy_seconds[worker] = to_number(seconds, path, kAnyNumber);
      });
  return event;
}

WarningEvent read_warning(ObjectReader& keys) {
  WarningEvent event;
  keys.read("code", event.code, kAnyText);
  keys.read("message", event.message, kAnyText);
  return event;
}

WorkerEvent read_worker(ObjectReader& keys) {
  WorkerEvent event;
  keys.read("worker", event.worker, kAnyText);
  keys.read("what", event.what, kChanges);
  keys.read("exit", event.exit, WholeRange{});
  keys.read("signal", event.signal, WholeRange{});
  keys.read("last_words", event.last_words, kAnyText);
  keys.read("unit", event.unit);
  return event;
}

std::optional<Event> read_event(ObjectReader& keys) {
  std::string kind;
  keys.require("event");
  keys.read("event", kind, kAnyText);
  if (kind == "phase") return read_phase(keys);
  if (kind == "step") return read_step(keys);
  if (kind == "warning") return read_warning(keys);
  if (kind == "worker") return read_worker(keys);
  return std::nullopt;
}

// A later service may have phases and changes that this client has no name for.
bool is_later(const Error& error) {
  return error.code() == ErrorCode::kOutOfRange;
}

}  // namespace

std::string_view name(Phase phase) {
  return name_in(phase, kPhases);
}

std::optional<Phase> find_phase(std::string_view name) {
  for (const Named<Phase>& row : kPhases) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

bool is_final(Phase phase) {
  return phase == Phase::kDone || phase == Phase::kFailed || phase == Phase::kCancelled;
}

json::object to_json(const JobEvent& event) {
  json::object out;
  out["event"] = nullptr;  // first, for people who read along
  out["job"] = event.job;
  out["seq"] = event.seq;
  std::visit([&](const auto& body) { write(out, body); }, event.event);
  return out;
}

json::object preview_to_json(std::string_view job, int step) {
  return {{"event", "preview"}, {"job", job}, {"step", step}, {"tensors", 0}};
}

std::optional<JobEvent> event_from_json(const json::object& object) {
  ObjectReader keys(object, {});
  try {
    JobEvent event;
    keys.read("job", event.job, kAnyText);
    keys.read("seq", event.seq);
    std::optional<Event> body = read_event(keys);
    if (!body) return std::nullopt;
    event.event = std::move(*body);
    return event;
  } catch (const Error& error) {
    if (is_later(error)) return std::nullopt;
    throw Error(ErrorCode::kBadFrame,
                "The service sent an event that cannot be read: " + std::string(error.what()));
  }
}

}  // namespace tandem

#include "protocol/host_message.hpp"

#include <algorithm>
#include <array>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "protocol/evaluator/json.hpp"
#include "protocol/evaluator/limits.hpp"
#include "protocol/job/job_json.hpp"
#include "protocol/object_reader.hpp"

namespace tandem {
namespace {

namespace json = boost::json;

constexpr StringRule kJobId{"the id of a job", 64};
constexpr StringRule kSessionId{"the id of a session", 64};
constexpr StringRule kClientName{"a client's name", 256};
constexpr StringRule kTypeName{"the type of a request", 64};
constexpr StringRule kModelName{"the name of a model", 4096};
constexpr StringRule kDeviceName{"the name of a device", 64};
constexpr WholeRange kDescriptorIndex{0, 7};
constexpr WholeRange kPriority{-10, 10};
constexpr WholeRange kProtocolNumber{0, 65535};
constexpr std::size_t kMaxEvents = 16;

constexpr std::array kOnDisconnects = {
    Named<OnDisconnect>{"keep", OnDisconnect::kKeep},
    Named<OnDisconnect>{"cancel", OnDisconnect::kCancel},
};
constexpr std::array kWorkerActions = {
    Named<WorkerAction>{"add", WorkerAction::kAdd},
    Named<WorkerAction>{"drain", WorkerAction::kDrain},
    Named<WorkerAction>{"enable", WorkerAction::kEnable},
    Named<WorkerAction>{"disable", WorkerAction::kDisable},
};
constexpr std::array<std::string_view, 5> kEventNames = {"phase", "step", "preview", "warning",
                                                         "worker"};

Request read_hello(ObjectReader& keys) {
  HelloRequest hello;
  keys.require("protocol");
  const json::array& range = to_array(*keys.find("protocol"), "protocol", 2);
  if (range.size() != 2) {
    throw Error(ErrorCode::kBadRequest,
                "protocol: expected the lowest and the highest version spoken",
                "For instance \"protocol\": [1, 1].", "protocol");
  }
  hello.lowest = to_whole(range[0], "protocol[0]", kProtocolNumber);
  hello.highest = to_whole(range[1], "protocol[1]", kProtocolNumber);
  keys.read("client", hello.client, kClientName);
  keys.read("session", hello.session, kSessionId);
  if (hello.lowest <= kHostProtocolVersion && kHostProtocolVersion <= hello.highest) return hello;
  throw Error(ErrorCode::kUnsupportedVersion,
              "protocol: expected a range that includes version " +
                  std::to_string(kHostProtocolVersion) + ", found " + std::to_string(hello.lowest) +
                  " to " + std::to_string(hello.highest),
              {}, "protocol");
}

Request read_submit(ObjectReader& keys) {
  SubmitRequest submit;
  keys.require("job");
  submit.job = job::parse_job(to_object(*keys.find("job"), "job"));
  keys.read("tensors", submit.tensors, kDescriptorIndex);
  if (const json::value* events = keys.find("events")) {
    std::size_t index = 0;
    for (const json::value& event : to_array(*events, "events", kMaxEvents)) {
      const std::size_t kind = to_choice(event, key_path("events", index++), kEventNames);
      submit.previews = submit.previews || kEventNames[kind] == "preview";
    }
  }
  keys.read("on_disconnect", submit.on_disconnect, kOnDisconnects);
  keys.read("priority", submit.priority, kPriority);
  return submit;
}

// A request that names a job and nothing else.
template <class T>
Request read_named(ObjectReader& keys) {
  T request;
  keys.require("job");
  keys.read("job", request.job, kJobId);
  return request;
}

template <class T>
Request read_empty(ObjectReader&) {
  return T{};
}

Request read_watch(ObjectReader& keys) {
  WatchRequest watch;
  keys.require("job");
  keys.read("job", watch.job, kJobId);
  keys.read("after", watch.after);
  return watch;
}

Request read_cancel(ObjectReader& keys) {
  if (!keys.has("evaluator")) return read_named<CancelRequest>(keys);
  CancelRequest cancel;
  keys.read("evaluator", cancel.evaluator, evaluator::kEvaluatorId);
  keys.require("request");
  keys.read("request", cancel.request);
  if (keys.has("job")) {
    throw Error(ErrorCode::kBadRequest, "evaluator: expected a job or an evaluator", {},
                "evaluator");
  }
  return cancel;
}

Request read_release(ObjectReader& keys) {
  ReleaseRequest release;
  keys.require("evaluator");
  keys.read("evaluator", release.evaluator, evaluator::kEvaluatorId);
  return release;
}

template <auto kRead>
Request read_with(ObjectReader& keys) {
  return kRead(keys);
}

Request read_unload(ObjectReader& keys) {
  UnloadRequest unload;
  bool all = false;
  keys.read("model", unload.model, kModelName);
  keys.read("all", all);
  if (all != unload.model.has_value()) return unload;
  throw Error(ErrorCode::kBadRequest, "model: expected the name of a model, or \"all\": true", {},
              "model");
}

Request read_free(ObjectReader& keys) {
  FreeRequest free;
  keys.require("device");
  keys.read("device", free.device, kDeviceName);
  keys.require("bytes");
  keys.read("bytes", free.bytes);
  return free;
}

// null takes the limit away.
Request read_budget(ObjectReader& keys) {
  BudgetRequest budget;
  keys.require("device");
  keys.read("device", budget.device, kDeviceName);
  keys.require("bytes");
  const json::value* bytes = keys.find("bytes");
  if (!bytes->is_null()) budget.bytes = to_unsigned(*bytes, "bytes");
  return budget;
}

Request read_worker(ObjectReader& keys) {
  WorkerRequest worker;
  keys.require("device");
  keys.read("device", worker.device, kDeviceName);
  keys.require("action");
  keys.read("action", worker.action, kWorkerActions);
  return worker;
}

struct Row {
  std::string_view type;
  Request (*read)(ObjectReader&);  // null: a later version's
};

// In the order of Request's alternatives, then those that are refused by name.
constexpr std::array kRequests = {
    Row{"hello", read_hello},
    Row{"catalog", read_empty<CatalogRequest>},
    Row{"devices", read_empty<DevicesRequest>},
    Row{"submit", read_submit},
    Row{"jobs", read_empty<JobsRequest>},
    Row{"job", read_named<JobRequest>},
    Row{"watch", read_watch},
    Row{"cancel", read_cancel},
    Row{"result", read_named<ResultRequest>},
    Row{"forget", read_named<ForgetRequest>},
    Row{"ping", read_empty<PingRequest>},
    Row{"unload", read_unload},
    Row{"free", read_free},
    Row{"budget", read_budget},
    Row{"worker", read_worker},
    Row{"prepare", read_with<evaluator::read_prepare>},
    Row{"add_conds", read_with<evaluator::read_add_conds>},
    Row{"drop_conds", read_with<evaluator::read_drop_conds>},
    Row{"evaluate", read_with<evaluator::read_evaluate>},
    Row{"release", read_release},
};
constexpr std::size_t kOffered = std::variant_size_v<Request>;

const Row& row_of(const std::string& type) {
  const auto row = std::find_if(kRequests.begin(), kRequests.end(),
                                [&](const Row& candidate) { return candidate.type == type; });
  if (row == kRequests.end()) {
    std::array<std::string_view, kOffered> names;
    for (std::size_t i = 0; i < kOffered; ++i)
      names[i] = kRequests[i].type;
    throw Error(ErrorCode::kBadRequest, "type: there is no request \"" + shown(type) + "\"",
                hint_for_name(type, names), "type");
  }
  if (row->read == nullptr) {
    throw Error(ErrorCode::kUnsupported, "type: the request " + type + " is not supported yet", {},
                "type");
  }
  return *row;
}

void write(json::object& out, const HelloRequest& hello) {
  out["protocol"] = json::array{hello.lowest, hello.highest};
  if (!hello.client.empty()) out["client"] = hello.client;
  if (hello.session) out["session"] = *hello.session;
}

void write(json::object& out, const SubmitRequest& submit) {
  out["job"] = job::to_json(submit.job);
  if (submit.tensors) out["tensors"] = *submit.tensors;
  if (submit.previews) out["events"] = json::array{"phase", "step", "preview"};
  if (submit.on_disconnect == OnDisconnect::kCancel) out["on_disconnect"] = "cancel";
  if (submit.priority != 0) out["priority"] = submit.priority;
}

void write(json::object& out, const WatchRequest& watch) {
  out["job"] = watch.job;
  out["after"] = watch.after;
}

void write(json::object& out, const UnloadRequest& unload) {
  if (unload.model) {
    out["model"] = *unload.model;
  } else {
    out["all"] = true;
  }
}

void write(json::object& out, const FreeRequest& free) {
  out["device"] = free.device;
  out["bytes"] = free.bytes;
}

void write(json::object& out, const ReleaseRequest& release) {
  out["evaluator"] = release.evaluator;
}

void write(json::object& out, const CancelRequest& cancel) {
  if (!cancel.job.empty()) {
    out["job"] = cancel.job;
    return;
  }
  out["evaluator"] = cancel.evaluator;
  out["request"] = cancel.request;
}

void write(json::object& out, const BudgetRequest& budget) {
  out["device"] = budget.device;
  out["bytes"] = nullptr;
  if (budget.bytes) out["bytes"] = *budget.bytes;
}

void write(json::object& out, const WorkerRequest& worker) {
  out["device"] = worker.device;
  out["action"] = kWorkerActions.at(static_cast<std::size_t>(worker.action)).name;
}

template <class T>
void write(json::object& out, const T& request) {
  if constexpr (requires { evaluator::write(out, request); }) {
    evaluator::write(out, request);
  } else if constexpr (requires { request.job; }) {
    out["job"] = request.job;
  }
}

}  // namespace

std::string_view name(const Request& request) {
  return kRequests.at(request.index()).type;
}

RequestEnvelope open_request(std::string_view text) {
  RequestEnvelope envelope{{}, parse_json_object(text, ErrorCode::kBadFrame)};
  if (const json::value* id = envelope.body.if_contains("id"); id && id->is_number()) {
    try {
      envelope.id = to_unsigned(*id, "id");
    } catch (const Error&) {
      envelope.id.reset();  // parse_request says so in the reply
    }
  }
  return envelope;
}

Request parse_request(const RequestEnvelope& envelope) {
  ObjectReader keys(envelope.body, {});
  std::uint64_t id = 0;
  std::string type;
  keys.require("id");
  keys.read("id", id);
  keys.require("type");
  keys.read("type", type, kTypeName);
  Request request = row_of(type).read(keys);
  keys.finish();
  return request;
}

std::string to_json(std::uint64_t id, const Request& request) {
  json::object out;
  out["id"] = id;
  out["type"] = name(request);
  std::visit([&](const auto& body) { write(out, body); }, request);
  return json::serialize(out);
}

}  // namespace tandem

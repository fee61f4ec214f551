#include "tools/client/client.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>

#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem::client {
namespace {

namespace json = boost::json;

std::string text_field(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  if (value != nullptr && value->is_string()) return std::string(value->get_string());
  throw Error(ErrorCode::kBadFrame, "the service's reply has no text '" + std::string(key) + "'");
}

int pid_field(const json::object& body, std::string_view key) {
  const json::value* value = body.if_contains(key);
  constexpr int kMaxPid = 1 << 22;  // the kernel's own limit
  if (value == nullptr || !value->is_int64()) return 0;
  return value->get_int64() > 0 && value->get_int64() <= kMaxPid
             ? static_cast<int>(value->get_int64())
             : 0;
}

std::optional<std::uint64_t> id_of(const json::object& body) {
  const json::value* id = body.if_contains("id");
  if (id == nullptr || !id->is_int64() || id->get_int64() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(id->get_int64());
}

bool is_ok(const json::object& body) {
  const json::value* ok = body.if_contains("ok");
  return ok != nullptr && ok->is_bool() && ok->get_bool();
}

[[noreturn]] void throw_failure(const json::object& body) {
  const json::value* error = body.if_contains("error");
  if (error != nullptr && error->is_object()) throw Error(failure_from_json(error->get_object()));
  throw Error(ErrorCode::kBadFrame, "the service refused a request without saying why");
}

[[noreturn]] void throw_ended() {
  throw Error(ErrorCode::kInternal, "the service ended the connection before it had answered",
              "Its log says why.");
}

// What a caller of the library sees: the reply without the envelope.
json::object fields_of(json::object body) {
  body.erase("id");
  body.erase("ok");
  return body;
}

}  // namespace

Client::Client(const std::string& socket_path, std::string name,
               std::chrono::milliseconds answer_time)
    : answer_time_(answer_time), connection_(ipc::connect(socket_path)) {
  hello(std::move(name));
}

void Client::hello(std::string name) {
  const json::object body = ask(HelloRequest{.client = std::move(name), .session = {}}).body;
  service_.version = text_field(body, "version");
  service_.session = text_field(body, "session");
  if (const json::value* limits = body.if_contains("limits"); limits && limits->is_object()) {
    service_.limits = limits_from_json(limits->get_object());
  }
  service_.pid = pid_field(body, "pid");
  service_.launcher_pid = pid_field(body, "launcher_pid");
}

json::object Client::catalog() {
  return fields_of(ask(CatalogRequest{}).body);
}

json::object Client::devices() {
  return fields_of(ask(DevicesRequest{}).body);
}

std::vector<JobStatus> Client::jobs() {
  const json::object body = ask(JobsRequest{}).body;
  const json::value* list = body.if_contains("jobs");
  if (list == nullptr || !list->is_array()) {
    throw Error(ErrorCode::kBadFrame, "the service's reply has no list 'jobs'");
  }
  std::vector<JobStatus> jobs;
  for (const json::value& entry : list->get_array()) {
    if (entry.is_object()) jobs.push_back(status_from_json(entry.get_object()));
  }
  return jobs;
}

json::object Client::job(const std::string& id) {
  return fields_of(ask(JobRequest{id}).body);
}

json::object Client::unload(const std::optional<std::string>& model) {
  return fields_of(ask(UnloadRequest{model}).body);
}

json::object Client::worker(const std::string& device, WorkerAction action) {
  return fields_of(ask(WorkerRequest{device, action}).body);
}

void Client::ping() {
  ask(PingRequest{});
}

std::string Client::submit(const job::Job& job, const JobTensors* tensors,
                           const SubmitOptions& options) {
  SubmitRequest request{.job = job,
                        .tensors = {},
                        .on_disconnect = options.on_disconnect,
                        .priority = options.priority};
  if (tensors != nullptr) request.tensors = 0;
  return text_field(ask(request, tensors != nullptr ? &tensors->fd() : nullptr).body, "job");
}

void Client::watch(const std::string& id, std::uint64_t after) {
  ask(WatchRequest{id, after});
}

JobResult Client::wait_result(const std::string& id) {
  Reply reply = wait_reply(send(ResultRequest{id}, nullptr), std::nullopt);
  JobResult result{.job = id, .outputs = {}, .tensors = {}, .types = {}};
  if (const json::value* types = reply.body.if_contains("types");
      types != nullptr && types->is_object()) {
    result.types = types->get_object();
  }
  if (const json::value* outputs = reply.body.if_contains("outputs");
      outputs != nullptr && outputs->is_object()) {
    result.outputs = outputs->get_object();
  }
  if (reply.body.contains("tensors")) {
    if (reply.fds.empty() || !reply.body.at("tensors").is_int64() ||
        reply.body.at("tensors").get_int64() != 0) {
      throw Error(ErrorCode::kBadFrame, "the result names tensors that did not come with it");
    }
    result.tensors.emplace(reply.fds.front());
  }
  return result;
}

void Client::cancel(const std::string& id) {
  ask(CancelRequest{id});
}

void Client::forget(const std::string& id) {
  ask(ForgetRequest{id});
}

void Client::interrupt() noexcept {
  is_interrupted_.store(true);
  connection_.shutdown();
}

Client::Reply Client::ask(const Request& request, const ipc::Fd* tensors) {
  return wait_reply(send(request, tensors), std::chrono::steady_clock::now() + answer_time_);
}

std::uint64_t Client::send(const Request& request, const ipc::Fd* tensors) {
  const std::uint64_t id = next_id_++;
  ipc::Frame frame;
  frame.body = to_json(id, request);
  if (tensors != nullptr) frame.fds.push_back(tensors->duplicate());
  check_interruption();
  connection_.send(std::move(frame));
  pending_.insert(id);
  return id;
}

Client::Reply Client::wait_reply(std::uint64_t id, Deadline deadline) {
  while (!early_.contains(id))
    handle(receive(deadline));
  Reply reply = std::move(early_.extract(id).mapped());
  if (!is_ok(reply.body)) throw_failure(reply.body);
  return reply;
}

ipc::Frame Client::receive(Deadline deadline) {
  using Clock = std::chrono::steady_clock;
  while (true) {
    const Clock::time_point next_check = Clock::now() + kStopCheck;
    ipc::Received received =
        connection_.receive_until(deadline ? std::min(*deadline, next_check) : next_check);
    check_interruption();
    if (auto* frame = std::get_if<ipc::Frame>(&received)) return std::move(*frame);
    if (std::holds_alternative<ipc::PeerEnded>(received)) throw_ended();
    if (deadline && Clock::now() >= *deadline) {
      throw Error(ErrorCode::kResourceExhausted, "the service did not answer in time");
    }
  }
}

void Client::check_interruption() {
  if (should_stop_ && should_stop_()) is_interrupted_.store(true);
  if (is_interrupted_.load()) throw Error(ErrorCode::kCancelled, "interrupted");
}

void Client::handle(ipc::Frame frame) {
  json::object body = parse_json_object(frame.body, ErrorCode::kBadFrame);
  if (const json::value* kind = body.if_contains("event")) {
    if (kind->is_string() && kind->get_string() == "error") throw_failure(body);
    const std::optional<JobEvent> event = event_from_json(body);
    if (event && handler_) handler_(*event);
    return;
  }
  // A reply that nobody asked for is dropped: nothing here may grow at the service's will.
  const std::optional<std::uint64_t> id = id_of(body);
  if (id && pending_.erase(*id) > 0) {
    early_.emplace(*id, Reply{std::move(body), std::move(frame.fds)});
  }
}

}  // namespace tandem::client

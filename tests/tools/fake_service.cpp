#include "tests/tools/fake_service.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/host_reply.hpp"
#include "tests/tools/tensor_files.hpp"

namespace tandem::client {
namespace {

constexpr const char* kJob = "job-1";
constexpr int kPollMilliseconds = 5;

bool is_readable(int socket) {
  pollfd waited{socket, POLLIN, 0};
  return ::poll(&waited, 1, kPollMilliseconds) > 0;
}

boost::json::object devices() {
  boost::json::object worker{{"name", "cpu#0"}, {"state", "ready"}, {"pid", 4711}};
  return {{"devices",
           {{{"name", "cpu"},
             {"state", "ready"},
             {"memory_total", 8589934592},
             {"memory_free", 4294967296},
             {"workers", boost::json::array{worker}}}}}};
}

}  // namespace

void FakeHost::serve() {
  while (std::optional<ipc::Frame> frame = connection_.receive()) {
    const RequestEnvelope envelope = open_request(frame->body);
    try {
      const Request request = parse_request(envelope);
      seen.emplace_back(name(request));
      answer(*envelope.id, request, frame->fds);
    } catch (const Error& error) {
      send(error_reply(envelope.id, error.failure()));
    }
  }
}

void FakeHost::send(const std::string& body) {
  connection_.send({0, body, {}});
}

void FakeHost::send_hello(std::uint64_t id) {
  send(ok_reply(id, {{"protocol", 1},
                     {"version", "0.0-fake"},
                     {"session", "s1"},
                     {"limits", to_json(HostLimits{.queued_jobs = 3})},
                     {"pid", ::getpid()},
                     {"launcher_pid", ::getppid()},
                     {"later", "keys are ignored"}}));
}

void FakeHost::send_events() {
  std::uint64_t seq = 0;
  const auto event = [&](Event what) {
    send(boost::json::serialize(to_json(JobEvent{kJob, ++seq, std::move(what)})));
  };
  event(PhaseEvent{.phase = Phase::kSampling, .position = {}, .file = {}, .failure = {}});
  event(
      StepEvent{.step = 1, .total = 2, .seconds_per_step = 0.5, .seconds_left = 0.5, .units = {}});
  send(R"({"event": "of a later version", "job": "job-1", "seq": 9})");
  event(StepEvent{.step = 2, .total = 2, .seconds_per_step = 0.5, .units = {}});
}

void FakeHost::send_result(std::uint64_t id) {
  if (text_ == "hang") return;
  if (text_ == "fail") {
    return send(error_reply(
        id, {ErrorCode::kOutOfMemory, "too large", "make it smaller", {}, "cpu#0", 2000, 1000},
        kJob));
  }
  const auto image = float_tensor("image", {1, 1, 1, 3}, {0.5F, 0.5F, 0.5F});
  std::vector<ipc::Fd> fds;
  fds.push_back(sealed({image}).fd().duplicate());
  const boost::json::object outputs{{"image", boost::json::array{"image"}}};
  connection_.send(
      {0, ok_reply(id, {{"state", "done"}, {"tensors", 0}, {"outputs", outputs}}), std::move(fds)});
}

void FakeHost::answer(std::uint64_t id, const Request& request, const std::vector<ipc::Fd>& fds) {
  if (std::holds_alternative<HelloRequest>(request)) return send_hello(id);
  if (std::holds_alternative<ResultRequest>(request)) return send_result(id);
  if (const auto* submit = std::get_if<SubmitRequest>(&request)) {
    if (!submit->job.positive.empty()) {
      text_ = std::get<job::TextPrompt>(submit->job.positive.front().prompt).text;
    }
    if (submit->tensors) ResultTensors(fds.at(static_cast<std::size_t>(*submit->tensors)));
    send_events();
    return send(ok_reply(id, {{"job", kJob}}));
  }
  if (const auto* job = std::get_if<JobRequest>(&request); job != nullptr && job->job != kJob) {
    throw Error(ErrorCode::kNotFound, "There is no job '" + job->job + "'.");
  }
  const JobStatus status{.job = kJob, .state = Phase::kDone, .step = 2, .total = 2, .failure = {}};
  if (std::holds_alternative<JobRequest>(request)) return send(ok_reply(id, to_json(status)));
  if (std::holds_alternative<JobsRequest>(request)) {
    return send(ok_reply(id, {{"jobs", boost::json::array{to_json(status)}}}));
  }
  if (std::holds_alternative<DevicesRequest>(request)) return send(ok_reply(id, devices()));
  if (std::holds_alternative<UnloadRequest>(request)) {
    return send(ok_reply(id, {{"before", {{"cpu", 2147483648}}}, {"after", {{"cpu", 1572864}}}}));
  }
  if (std::holds_alternative<CatalogRequest>(request)) {
    return send(
        ok_reply(id, {{"schedulers", {"normal", "karras"}}, {"samplers", {{{"name", "euler"}}}}}));
  }
  if (std::holds_alternative<WatchRequest>(request)) send_events();
  send(ok_reply(id));
}

FakeService::FakeService(const std::filesystem::path& path, Serve serve)
    : socket_(path), serve_(std::move(serve)) {
  if (!serve_) {
    serve_ = [this](ipc::BlockingConnection connection) {
      FakeHost host(std::move(connection));
      host.serve();
      const std::lock_guard lock(mutex_);
      seen_.insert(seen_.end(), host.seen.begin(), host.seen.end());
    };
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void FakeService::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!is_readable(socket_.get())) continue;
    ipc::Fd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.valid()) continue;
    try {
      serve_(ipc::BlockingConnection(std::move(socket), ipc::FrameFormat::kHost));
    } catch (const Error&) {
      // The client left in the middle: the next one is served.
    }
  }
}

std::vector<std::string> FakeService::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

}  // namespace tandem::client

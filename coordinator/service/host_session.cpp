#include "coordinator/service/host_session.hpp"

#include <algorithm>
#include <unistd.h>

#include <boost/json/array.hpp>

#include "ipc/log.hpp"
#include "protocol/job/job_json.hpp"
#include "protocol/version.hpp"

namespace tandem::coordinator {
namespace {

// A connection that says nothing is not kept.
constexpr std::chrono::seconds kHelloLimit(10);
// A host that has more to read, as the kernel counts it, gets no preview.
constexpr std::size_t kPreviewBacklog = 16384;

Failure hello_first() {
  return {ErrorCode::kBadFrame, "The first request must be hello."};
}

bool asks_hello(const RequestEnvelope& envelope) {
  const boost::json::value* type = envelope.body.if_contains("type");
  return type != nullptr && type->is_string() && type->get_string() == "hello";
}

}  // namespace

HostSession::HostSession(boost::asio::io_context& io, std::shared_ptr<ipc::Connection> connection,
                         JobService& service, std::uint32_t user)
    : connection_(std::move(connection)),
      service_(service),
      owner_{user, {}},
      hello_deadline_(io) {}

void HostSession::start(std::function<void()> closed) {
  closed_ = std::move(closed);
  const std::weak_ptr<HostSession> weak = weak_from_this();
  connection_->start(
      [weak](ipc::Frame frame) {
        if (const auto self = weak.lock()) self->receive(std::move(frame));
      },
      [weak](const std::optional<Failure>& failure) {
        const auto self = weak.lock();
        if (!self) return;
        // What came was no frame: the host is told before it is cut off.
        if (failure) self->connection_->send_and_close({0, error_frame(*failure), {}});
        self->on_closed();
      });
  hello_deadline_.expires_after(kHelloLimit);
  hello_deadline_.async_wait([weak](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->greeted_) self->close();
  });
}

// A connection that is closed from this side calls no handler any more.
void HostSession::close() {
  connection_->close();
  on_closed();
}

void HostSession::event(const std::string& json) {
  send_previews();
  connection_->send({0, json, {}});
}

void HostSession::preview(const std::string& job, const std::string& json, ipc::Fd tensors) {
  previews_.insert_or_assign(job, Preview{json, std::move(tensors)});
  send_previews();
}

void HostSession::forget_preview(const std::string& job) {
  send_previews();
  previews_.erase(job);
}

void HostSession::send_previews() {
  if (connection_->unread_bytes() > kPreviewBacklog) return;
  for (auto& [job, preview] : std::exchange(previews_, {})) {
    Fds fds;
    fds.push_back(std::move(preview.tensors));
    connection_->send({0, preview.json, std::move(fds)});
  }
}

void HostSession::receive(ipc::Frame frame) {
  try {
    const RequestEnvelope envelope = open_request(frame.body);
    answer(envelope, frame.fds);
  } catch (const Error& error) {
    end_with(error.failure());
  }
}

void HostSession::answer(const RequestEnvelope& envelope, Fds& fds) {
  std::optional<Request> request;
  try {
    request = parse_request(envelope);
  } catch (const Error& error) {
    if (!greeted_ && !asks_hello(envelope)) return end_with(hello_first());
    return connection_->send({0, error_reply(envelope.id, error.failure()), {}});
  }
  if (!greeted_ && !std::holds_alternative<HelloRequest>(*request)) {
    return end_with(hello_first());
  }
  try {
    std::visit([&](auto& r) { handle(*envelope.id, r, fds); }, *request);
  } catch (const Error& error) {
    connection_->send({0, error_reply(envelope.id, error.failure()), {}});
  }
}

void HostSession::handle(std::uint64_t id, const HelloRequest& request, Fds&) {
  greeted_ = true;
  hello_deadline_.cancel();
  if (!owner_.session.empty()) service_.end_session(owner_.session);
  owner_.session = service_.begin_session(request.session, owner_.user);
  reply(id, {{"protocol", kHostProtocolVersion},
             {"version", kVersion},
             {"session", owner_.session},
             {"limits", to_json(service_.limits())},
             {"pid", ::getpid()},
             {"launcher_pid", ::getppid()}});
}

void HostSession::handle(std::uint64_t id, const CatalogRequest&, Fds&) {
  reply(id, service_.catalog());
}

void HostSession::handle(std::uint64_t id, const DevicesRequest&, Fds&) {
  service_.devices([weak = weak_from_this(), id](const boost::json::object& devices) {
    if (const auto self = weak.lock()) self->reply(id, devices);
  });
}

void HostSession::handle(std::uint64_t id, SubmitRequest& request, Fds& fds) {
  ipc::Fd tensors;
  if (request.tensors) {
    const auto index = static_cast<std::size_t>(*request.tensors);
    if (index >= fds.size()) {
      throw Error(ErrorCode::kBadRequest,
                  "tensors: descriptor " + std::to_string(index) +
                      " was named, but the frame carries " + std::to_string(fds.size()) + ".",
                  {}, "tensors");
    }
    tensors = std::move(fds[index]);
  }
  const bool cancel_on_close = request.on_disconnect == OnDisconnect::kCancel;
  const auto job =
      service_.submit(std::move(request), std::move(tensors), owner_, shared_from_this());
  if (cancel_on_close) cancel_on_close_.push_back(job->id());
  reply(id, {{"job", job->id()}, {"types", service_.types(job->accepted())}});
}

void HostSession::handle(std::uint64_t id, const JobsRequest&, Fds&) {
  boost::json::array jobs;
  for (const auto& job : service_.all())
    jobs.push_back(to_json(job->status()));
  reply(id, {{"jobs", std::move(jobs)}});
}

void HostSession::handle(std::uint64_t id, const JobRequest& request, Fds&) {
  const auto job = service_.find(request.job);
  boost::json::object fields = to_json(job->status());
  fields["spec"] = job::to_json(job->accepted().job);
  reply(id, fields);
}

void HostSession::handle(std::uint64_t id, const WatchRequest& request, Fds&) {
  const auto job = service_.find(request.job);
  job->replay(*this, request.after);
  reply(id);
  job->subscribe(shared_from_this());
}

void HostSession::handle(std::uint64_t id, const CancelRequest& request, Fds&) {
  if (request.job.empty()) {
    service_.evaluators().cancel(request);
  } else {
    service_.cancel(request.job);
  }
  reply(id);
}

void HostSession::handle(std::uint64_t id, const ResultRequest& request, Fds&) {
  const auto job = service_.find(request.job);
  const std::weak_ptr<HostSession> weak = weak_from_this();
  job->when_ended([weak, id, job = std::weak_ptr<JobRecord>(job)] {
    const auto self = weak.lock();
    const auto ended = job.lock();
    if (self && ended) self->send_result(id, *ended);
  });
}

void HostSession::handle(std::uint64_t id, const ForgetRequest& request, Fds&) {
  service_.forget(request.job);
  reply(id);
}

void HostSession::handle(std::uint64_t id, const PingRequest&, Fds&) {
  reply(id);
}

void HostSession::handle(std::uint64_t id, const UnloadRequest& request, Fds&) {
  reply(id, service_.memory().unload(request));
}

void HostSession::handle(std::uint64_t id, const FreeRequest& request, Fds&) {
  reply(id, service_.memory().free(request));
}

void HostSession::handle(std::uint64_t id, const BudgetRequest& request, Fds&) {
  service_.memory().set_budget(request);
  reply(id);
}

void HostSession::handle(std::uint64_t id, const WorkerRequest& request, Fds&) {
  reply(id, {{"device", service_.worker(request)}});
}

void HostSession::handle(std::uint64_t id, PrepareRequest& request, Fds& fds) {
  service_.evaluators().prepare(this, owner_, std::move(request), fds, reply_later(id));
}

void HostSession::handle(std::uint64_t id, AddCondsRequest& request, Fds& fds) {
  service_.evaluators().add_conds(this, std::move(request), fds, reply_later(id));
}

void HostSession::handle(std::uint64_t id, DropCondsRequest& request, Fds&) {
  service_.evaluators().drop_conds(this, std::move(request), reply_later(id));
}

void HostSession::handle(std::uint64_t id, EvaluateRequest& request, Fds& fds) {
  service_.evaluators().evaluate(this, id, std::move(request), fds, reply_later(id));
}

void HostSession::handle(std::uint64_t id, const ReleaseRequest& request, Fds&) {
  service_.evaluators().release(this, request, reply_later(id));
}

EvaluatorDone HostSession::reply_later(std::uint64_t id) {
  return [weak = weak_from_this(), id](EvaluatorAnswer answer) {
    const auto self = weak.lock();
    if (!self) return;
    if (answer.failure) return self->connection_->send({0, error_reply(id, *answer.failure), {}});
    Fds fds;
    if (answer.tensors.valid()) fds.push_back(std::move(answer.tensors));
    self->reply(id, answer.fields, std::move(fds));
  };
}

void HostSession::send_result(std::uint64_t id, const JobRecord& job) {
  if (job.failure()) {
    return connection_->send({0, error_reply(id, *job.failure(), job.id()), {}});
  }
  boost::json::object fields{{"state", name(job.state())},
                             {"outputs", job.result().outputs},
                             {"types", service_.types(job.accepted())}};
  Fds fds;
  if (job.result().tensors.valid()) {
    fields["tensors"] = 0;
    fds.push_back(job.result().tensors.duplicate());
  }
  reply(id, fields, std::move(fds));
}

void HostSession::reply(std::uint64_t id, const boost::json::object& fields, Fds fds) {
  connection_->send({0, ok_reply(id, fields), std::move(fds)});
}

void HostSession::end_with(const Failure& failure) {
  connection_->send_and_close({0, error_frame(failure), {}});
  on_closed();
}

void HostSession::on_closed() {
  hello_deadline_.cancel();
  service_.evaluators().end_of(this);
  for (const std::string& job : std::exchange(cancel_on_close_, {})) {
    try {
      service_.cancel(job);
    } catch (const Error&) {
      // Its result was forgotten meanwhile.
    }
  }
  if (!owner_.session.empty()) service_.end_session(std::exchange(owner_.session, {}));
  if (closed_) std::exchange(closed_, {})();
}

}  // namespace tandem::coordinator

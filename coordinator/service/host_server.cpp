#include "coordinator/service/host_server.hpp"

#include "ipc/log.hpp"

namespace tandem::coordinator {

HostServer::HostServer(boost::asio::io_context& io, ipc::ServiceSocket socket,
                       std::vector<uid_t> also_allowed, JobService& service)
    : io_(io), service_(service) {
  listener_.emplace(io, std::move(socket), std::move(also_allowed),
                    [this](ipc::Fd connection, const ipc::PeerCredentials& peer) {
                      accept(std::move(connection), peer.uid);
                    });
}

void HostServer::close() {
  listener_.reset();
  for (const auto& session : std::exchange(sessions_, {}))
    session->close();
}

void HostServer::accept(ipc::Fd socket, uid_t user) {
  auto connection = ipc::Connection::create(io_, std::move(socket), ipc::FrameFormat::kHost);
  if (sessions_.size() >= kMaxConnections) {
    ipc::log(ipc::LogLevel::kWarn, "hosts", "too many connections: one was closed");
    const Failure failure{ErrorCode::kQuota, "The service has as many connections as it takes."};
    return connection->send_and_close({0, error_frame(failure), {}});
  }
  auto session = std::make_shared<HostSession>(io_, std::move(connection), service_, user);
  sessions_.insert(session);
  session->start([this, weak = std::weak_ptr(session)] { sessions_.erase(weak.lock()); });
}

}  // namespace tandem::coordinator

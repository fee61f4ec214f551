// Accepts hosts on the service's socket.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "coordinator/service/host_session.hpp"
#include "coordinator/service/job_service.hpp"
#include "ipc/socket/listener.hpp"

namespace tandem::coordinator {

inline constexpr std::size_t kMaxConnections = 256;

class HostServer {
 public:
  // Hosts of this process's user and of `also_allowed` may connect.
  HostServer(boost::asio::io_context& io, ipc::ServiceSocket socket,
             std::vector<uid_t> also_allowed, JobService& service);

  // Closes every connection and removes the socket.
  void close();

 private:
  void accept(ipc::Fd socket, uid_t user);

  boost::asio::io_context& io_;
  JobService& service_;
  std::set<std::shared_ptr<HostSession>> sessions_;
  std::optional<ipc::Listener> listener_;
};

}  // namespace tandem::coordinator

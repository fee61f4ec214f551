// Takes connections on an event loop, from allowed users only.
#pragma once

#include <functional>
#include <memory>
#include <sys/types.h>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "ipc/fd.hpp"
#include "ipc/socket/peer.hpp"
#include "ipc/socket/service_socket.hpp"

namespace tandem::ipc {

class Listener {
 public:
  using AcceptHandler = std::function<void(Fd socket, const PeerCredentials& peer)>;

  // Calls the handler on the io_context's thread for each connection of this process's user or one
  // of `also_allowed`; others are closed at once. Out of descriptors, new connections are closed
  // until there are some again. Handlers are not called any more once the listener is destroyed,
  // which removes the socket's name and its lock.
  Listener(boost::asio::io_context& io, ServiceSocket socket, std::vector<uid_t> also_allowed,
           AcceptHandler on_accept);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

 private:
  class Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace tandem::ipc

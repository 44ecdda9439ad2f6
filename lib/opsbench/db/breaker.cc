#include "opsbench/db/breaker.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace opsbench {

ConnectionBreaker::~ConnectionBreaker() {
  if (socket_ >= 0) close(socket_);
}

void ConnectionBreaker::Break() {
  const std::lock_guard<std::mutex> lock(mutex_);
  broken_ = true;
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

void ConnectionBreaker::Watch(int socket) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (socket_ >= 0) close(socket_);
  socket_ = fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (broken_ && socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

}  // namespace opsbench

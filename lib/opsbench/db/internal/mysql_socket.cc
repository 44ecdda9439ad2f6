#include "opsbench/db/internal/mysql_socket.h"

#include <errno.h>
#include <ma_pvio.h>
#include <poll.h>
#include <sys/socket.h>

namespace opsbench::internal {
namespace {

ssize_t Read(MARIADB_PVIO* transport, unsigned char* buffer, size_t size) {
  my_socket socket;
  transport->methods->get_handle(transport, &socket);
  pollfd readable = {socket, POLLIN, 0};
  ssize_t read;
  do {
    if (poll(&readable, 1, -1) < 0 && errno != EINTR) return -1;
    read = recv(socket, buffer, size, MSG_DONTWAIT);
  } while (read < 0 && (errno == EINTR || errno == EAGAIN));
  return read;
}

}  // namespace

void PollBeforeReading(MYSQL* connection) {
  MARIADB_PVIO* const transport = connection->net.pvio;
  // The library has one table of methods for all of its sockets.
  static PVIO_METHODS methods = [transport] {
    PVIO_METHODS polling = *transport->methods;
    polling.read = Read;
    return polling;
  }();
  transport->methods = &methods;
}

}  // namespace opsbench::internal

#ifndef OPSBENCH_DB_INTERNAL_MYSQL_SOCKET_H_
#define OPSBENCH_DB_INTERNAL_MYSQL_SOCKET_H_

// One system call less for each response. MariaDB's client reads first and
// polls when there is nothing, but right after a request there never is: a
// response costs it recv, poll, recv. With the poll first, recv succeeds.
//
// A single blocking recv would be fewer still, but on a Unix socket the server
// wakes it up when it takes the request, too, and a wake-up costs more than a
// poll.
//
// Thread safety: for the thread that owns the connection.

#include <mysql.h>

namespace opsbench::internal {

// REQUIRES: `connection` is connected and has no read time-out. Without effect
// on an encrypted one, whose reads OpenSSL does.
void PollBeforeReading(MYSQL* connection);

}  // namespace opsbench::internal

#endif  // OPSBENCH_DB_INTERNAL_MYSQL_SOCKET_H_

-- How a reset finds a simulated user's connection and ends it
-- (lib/opsbench/stress/faults.h), for MySQL and MariaDB.

-- Of the asking session's own user, in the order in which they were made. One
-- that was killed is listed until it has rolled back.
-- name: connections
SELECT id, db
FROM information_schema.processlist
WHERE user = SUBSTRING_INDEX(USER(), '@', 1)
  AND command <> 'Killed'
  AND id <> CONNECTION_ID()
  AND LEFT(db, CHAR_LENGTH(:prefix)) = :prefix
ORDER BY id

-- Error 1094 (ER_NO_SUCH_THREAD) when it is gone already.
-- name: terminate
KILL CONNECTION {connection}

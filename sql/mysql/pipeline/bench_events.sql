-- The table that pipelines are measured with, and its rows, made by the server
-- from their numbers alone: the same on every engine. {filler} brings a row to
-- its profile's size.

-- name: create
CREATE TABLE {table} (
  id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
  event_type TEXT NOT NULL,
  user_id INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  is_active BOOLEAN NOT NULL,
  payload TEXT NOT NULL,
  created_at DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4

-- name: create_schema
CREATE DATABASE IF NOT EXISTS {schema}

-- name: drop
DROP TABLE {table}

-- Two lists of a thousand numbers make a million: as much as one statement's
-- recursion is let do.

-- name: last_id
SELECT COALESCE(MAX(id), 0) FROM {table}

-- name: insert
INSERT INTO {table}
  (id, event_type, user_id, amount, is_active, payload, created_at)
WITH RECURSIVE k (n) AS (
  SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < 999
)
SELECT
  i,
  ELT(i % 5 + 1, 'click', 'purchase', 'view', 'signup', 'logout'),
  i % 1000 + 1,
  i * 7 % 10000,
  i % 3 <> 0,
  CONCAT('payload-', i, '-', {filler}),
  TIMESTAMP('2024-01-01 00:00:00') + INTERVAL (i % 86400) SECOND
FROM (
  SELECT CAST(:first AS SIGNED) + high.n * 1000 + low.n AS i
  FROM k AS high CROSS JOIN k AS low
) AS numbers
WHERE i <= :last
ORDER BY i

-- name: filler_120
REPEAT('x', 50)

-- name: filler_500
REPEAT(LPAD(LOWER(HEX(i * 2654435761 % 4294967296)), 8, '0'), 53)

-- name: filler_4096
REPEAT(LPAD(LOWER(HEX(i * 2654435761 % 4294967296)), 8, '0'), 503)

-- name: analyze
ANALYZE TABLE {table}

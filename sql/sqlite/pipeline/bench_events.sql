-- The table that pipelines are measured with, and its rows, made by the engine
-- from their numbers alone: the same on every engine. {filler} brings a row to
-- its profile's size: REPLACE(HEX(ZEROBLOB(n)), '00', text) repeats a text.

-- name: create
CREATE TABLE {table} (
  id INTEGER PRIMARY KEY,
  event_type TEXT NOT NULL,
  user_id INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  is_active BOOLEAN NOT NULL,
  payload TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL
)

-- name: drop
DROP TABLE {table}

-- name: last_id
SELECT COALESCE(MAX(id), 0) FROM {table}

-- name: insert
WITH RECURSIVE numbers (i) AS (
  SELECT :first UNION ALL SELECT i + 1 FROM numbers WHERE i < :last
)
INSERT INTO {table}
  (id, event_type, user_id, amount, is_active, payload, created_at)
SELECT
  i,
  CASE i % 5
    WHEN 0 THEN 'click'
    WHEN 1 THEN 'purchase'
    WHEN 2 THEN 'view'
    WHEN 3 THEN 'signup'
    ELSE 'logout'
  END,
  i % 1000 + 1,
  i * 7 % 10000,
  i % 3 <> 0,
  'payload-' || i || '-' || {filler},
  DATETIME('2024-01-01 00:00:00', (i % 86400) || ' seconds')
FROM numbers

-- name: filler_120
REPLACE(HEX(ZEROBLOB(25)), '00', 'xx')

-- name: filler_500
REPLACE(HEX(ZEROBLOB(53)), '00', PRINTF('%08x', i * 2654435761 % 4294967296))

-- name: filler_4096
REPLACE(HEX(ZEROBLOB(503)), '00', PRINTF('%08x', i * 2654435761 % 4294967296))

-- name: analyze
ANALYZE {table}

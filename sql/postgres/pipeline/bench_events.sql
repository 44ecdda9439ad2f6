-- The table that pipelines are measured with, and its rows, made by the server
-- from their numbers alone: the same on every engine. {filler} brings a row to
-- its profile's size.

-- name: create
CREATE TABLE {table} (
  id SERIAL PRIMARY KEY,
  event_type TEXT NOT NULL,
  user_id INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  is_active BOOLEAN NOT NULL,
  payload TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL
)

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS {schema}

-- name: drop
DROP TABLE {table}

-- name: last_id
SELECT coalesce(max(id), 0) FROM {table}

-- name: insert
INSERT INTO {table}
  (id, event_type, user_id, amount, is_active, payload, created_at)
SELECT
  i,
  (ARRAY['click', 'purchase', 'view', 'signup', 'logout'])[i % 5 + 1],
  i % 1000 + 1,
  i * 7 % 10000,
  i % 3 <> 0,
  'payload-' || i || '-' || {filler},
  TIMESTAMP '2024-01-01 00:00:00' + (i % 86400) * INTERVAL '1 second'
FROM generate_series(:first::BIGINT, :last::BIGINT) AS i

-- name: filler_120
repeat('x', 50)

-- name: filler_500
repeat(lpad(to_hex(i * 2654435761 % 4294967296), 8, '0'), 53)

-- name: filler_4096
repeat(lpad(to_hex(i * 2654435761 % 4294967296), 8, '0'), 503)

-- name: sequence
SELECT setval(pg_get_serial_sequence({table_text}, 'id'), :rows::BIGINT)

-- name: analyze
VACUUM (ANALYZE) {table}

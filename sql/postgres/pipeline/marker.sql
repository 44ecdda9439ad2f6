-- The markers of runs that committed. Who stores one and who asks for it take
-- the name's lock first, until the end of their transactions: an answer waits
-- for a commit that is under way.

-- name: lock_marker
SELECT 1 FROM pg_advisory_xact_lock(hashtextextended(:name::text, 0))

-- name: create_markers
CREATE TABLE {table} (
  name text PRIMARY KEY,
  value text NOT NULL
)

-- name: write_marker
INSERT INTO {table} (name, value) VALUES (:name::text, :marker::text)
ON CONFLICT (name) DO UPDATE SET value = EXCLUDED.value

-- name: has_marker
SELECT count(*) FROM {table} WHERE value = :marker::text

-- How far each incremental stream of each pipeline has come, and the step that
-- may or may not have been committed at the destination.

-- name: create
CREATE TABLE pipeline_streams (
  pipeline TEXT NOT NULL,
  stream TEXT NOT NULL,
  into_table TEXT NOT NULL,
  cursor TEXT NOT NULL DEFAULT '',
  pending_marker TEXT NOT NULL DEFAULT '',
  pending_cursor TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (pipeline, stream, into_table)
)

-- name: others
SELECT name FROM sqlite_schema
WHERE type = 'table' AND name NOT GLOB 'sqlite_*'
LIMIT 1

-- name: durable
PRAGMA synchronous = FULL

-- name: read
SELECT cursor, pending_marker, pending_cursor
FROM pipeline_streams
WHERE pipeline = :pipeline AND stream = :stream AND into_table = :into_table

-- name: write
INSERT OR REPLACE INTO pipeline_streams
  (pipeline, stream, into_table, cursor, pending_marker, pending_cursor)
VALUES
  (:pipeline, :stream, :into_table, :cursor, :pending_marker, :pending_cursor)

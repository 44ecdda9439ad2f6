-- A scan of the paths under a prefix. The range is LIKE 'p.%' in the binary
-- order of the index ('/' follows '.'), which SQLite's own LIKE, blind to case,
-- cannot use.

-- name: create_operations
CREATE TABLE {prefix}operations_like (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type_path TEXT NOT NULL
    CHECK (length(type_path) BETWEEN 1 AND 191
           AND type_path NOT GLOB '*[^a-z0-9_.]*'
           AND type_path NOT GLOB '.*' AND type_path NOT GLOB '*.'
           AND type_path NOT GLOB '*..*'),
  created_at INTEGER NOT NULL,
  status INTEGER NOT NULL CHECK (status IN (0, 1)),
  payload_json TEXT NOT NULL CHECK (json_valid(payload_json))
)

-- name: index_operations_created
CREATE INDEX IF NOT EXISTS {prefix}operations_like_created ON {prefix}operations_like (created_at)

-- name: index_operations_path
CREATE INDEX IF NOT EXISTS {prefix}operations_like_path_created ON {prefix}operations_like (type_path, created_at DESC, id)

-- name: analyze_operations
ANALYZE {prefix}operations_like

-- name: latest
SELECT id, created_at, status, type_path
FROM {prefix}operations_like
WHERE (type_path = :prefix OR (type_path >= :range_low AND type_path < :range_high))
ORDER BY created_at DESC, id
LIMIT :limit

-- name: latest_offset
SELECT id, created_at, status, type_path
FROM {prefix}operations_like
WHERE (type_path = :prefix OR (type_path >= :range_low AND type_path < :range_high))
ORDER BY created_at DESC, id
LIMIT :limit OFFSET :offset

-- name: count_since
SELECT COUNT(*)
FROM {prefix}operations_like
WHERE (type_path = :prefix OR (type_path >= :range_low AND type_path < :range_high))
  AND created_at >= :since

-- name: error_rate
SELECT COUNT(*), COALESCE(SUM(status), 0)
FROM {prefix}operations_like
WHERE (type_path = :prefix OR (type_path >= :range_low AND type_path < :range_high))
  AND created_at >= :since

-- name: exact
SELECT id, created_at, status, type_path
FROM {prefix}operations_like
WHERE type_path = :path
ORDER BY created_at DESC, id
LIMIT :limit

-- name: newest
SELECT id, created_at, status, type_path
FROM {prefix}operations_like
ORDER BY created_at DESC, id DESC
LIMIT :limit

-- The check of what was written: which rows are new, and are they right?
-- name: last_id
SELECT COALESCE(MAX(id), 0) FROM {prefix}operations_like

-- name: count_new
SELECT COUNT(*) FROM {prefix}operations_like WHERE id > :id

-- name: find
SELECT id, created_at, status, type_path
FROM {prefix}operations_like
WHERE type_path = :path AND created_at = :created_at AND id > :id
ORDER BY id

-- name: insert_one
INSERT INTO {prefix}operations_like (type_path, created_at, status, payload_json)
VALUES (:path, :created_at, :status, :payload)

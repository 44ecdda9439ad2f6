-- One column for each level, each with its index: reads seek as in the side
-- table, writes pay for five indexes in one row, and paths end at five levels.

-- name: create_operations
CREATE TABLE {prefix}operations_levels (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  type_path TEXT NOT NULL
    CHECK (length(type_path) BETWEEN 1 AND 191
           AND type_path NOT GLOB '*[^a-z0-9_.]*'
           AND type_path NOT GLOB '.*' AND type_path NOT GLOB '*.'
           AND type_path NOT GLOB '*..*'),
  created_at INTEGER NOT NULL,
  status INTEGER NOT NULL CHECK (status IN (0, 1)),
  payload_json TEXT NOT NULL CHECK (json_valid(payload_json)),
  l1 TEXT,
  l2 TEXT,
  l3 TEXT,
  l4 TEXT,
  l5 TEXT
)

-- name: index_operations_created
CREATE INDEX IF NOT EXISTS {prefix}operations_levels_created ON {prefix}operations_levels (created_at)

-- name: index_operations_path
CREATE INDEX IF NOT EXISTS {prefix}operations_levels_path_created ON {prefix}operations_levels (type_path, created_at DESC, id)

-- name: index_operations_l1
CREATE INDEX IF NOT EXISTS {prefix}operations_levels_l1 ON {prefix}operations_levels (l1, created_at DESC, id)
WHERE l1 IS NOT NULL

-- name: index_operations_l2
CREATE INDEX IF NOT EXISTS {prefix}operations_levels_l2 ON {prefix}operations_levels (l2, created_at DESC, id)
WHERE l2 IS NOT NULL

-- name: index_operations_l3
CREATE INDEX IF NOT EXISTS {prefix}operations_levels_l3 ON {prefix}operations_levels (l3, created_at DESC, id)
WHERE l3 IS NOT NULL

-- name: index_operations_l4
CREATE INDEX IF NOT EXISTS {prefix}operations_levels_l4 ON {prefix}operations_levels (l4, created_at DESC, id)
WHERE l4 IS NOT NULL

-- name: index_operations_l5
CREATE INDEX IF NOT EXISTS {prefix}operations_levels_l5 ON {prefix}operations_levels (l5, created_at DESC, id)
WHERE l5 IS NOT NULL

-- name: analyze_operations
ANALYZE {prefix}operations_levels

-- name: latest
SELECT id, created_at, status, type_path
FROM {prefix}operations_levels
WHERE l{level} = :prefix
ORDER BY created_at DESC, id
LIMIT :limit

-- name: latest_offset
SELECT id, created_at, status, type_path
FROM {prefix}operations_levels
WHERE l{level} = :prefix
ORDER BY created_at DESC, id
LIMIT :limit OFFSET :offset

-- name: count_since
SELECT COUNT(*)
FROM {prefix}operations_levels
WHERE l{level} = :prefix
  AND created_at >= :since

-- name: error_rate
SELECT COUNT(*), COALESCE(SUM(status), 0)
FROM {prefix}operations_levels
WHERE l{level} = :prefix
  AND created_at >= :since

-- name: exact
SELECT id, created_at, status, type_path
FROM {prefix}operations_levels
WHERE type_path = :path
ORDER BY created_at DESC, id
LIMIT :limit

-- name: newest
SELECT id, created_at, status, type_path
FROM {prefix}operations_levels
ORDER BY created_at DESC, id DESC
LIMIT :limit

-- The check of what was written: which rows are new, and are they right?
-- name: last_id
SELECT COALESCE(MAX(id), 0) FROM {prefix}operations_levels

-- name: count_new
SELECT COUNT(*) FROM {prefix}operations_levels WHERE id > :id

-- name: find
SELECT id, created_at, status, type_path
FROM {prefix}operations_levels
WHERE type_path = :path AND created_at = :created_at AND id > :id
ORDER BY id

-- name: insert_one
INSERT INTO {prefix}operations_levels
  (type_path, created_at, status, payload_json, l1, l2, l3, l4, l5)
VALUES (:path, :created_at, :status, :payload, :l1, :l2, :l3, :l4, :l5)

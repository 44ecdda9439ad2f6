-- One column for each level, each with its index: reads seek as in the side
-- table, writes pay for five indexes in one row, and paths end at five levels.

-- name: create_operations
CREATE TABLE operations_levels (
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
CREATE INDEX IF NOT EXISTS operations_levels_created ON operations_levels (created_at)

-- name: index_operations_path
CREATE INDEX IF NOT EXISTS operations_levels_path_created ON operations_levels (type_path, created_at DESC, id)

-- name: index_operations_l1
CREATE INDEX IF NOT EXISTS operations_levels_l1 ON operations_levels (l1, created_at DESC, id)
WHERE l1 IS NOT NULL

-- name: index_operations_l2
CREATE INDEX IF NOT EXISTS operations_levels_l2 ON operations_levels (l2, created_at DESC, id)
WHERE l2 IS NOT NULL

-- name: index_operations_l3
CREATE INDEX IF NOT EXISTS operations_levels_l3 ON operations_levels (l3, created_at DESC, id)
WHERE l3 IS NOT NULL

-- name: index_operations_l4
CREATE INDEX IF NOT EXISTS operations_levels_l4 ON operations_levels (l4, created_at DESC, id)
WHERE l4 IS NOT NULL

-- name: index_operations_l5
CREATE INDEX IF NOT EXISTS operations_levels_l5 ON operations_levels (l5, created_at DESC, id)
WHERE l5 IS NOT NULL

-- name: drop_operations
DROP TABLE IF EXISTS operations_levels

-- name: analyze_operations
ANALYZE operations_levels

-- name: latest
SELECT id, created_at, status, type_path
FROM operations_levels
WHERE l{level} = :prefix
ORDER BY created_at DESC, id
LIMIT :limit

-- name: latest_offset
SELECT id, created_at, status, type_path
FROM operations_levels
WHERE l{level} = :prefix
ORDER BY created_at DESC, id
LIMIT :limit OFFSET :offset

-- name: count_since
SELECT COUNT(*)
FROM operations_levels
WHERE l{level} = :prefix
  AND created_at >= :since

-- name: error_rate
SELECT COUNT(*), COALESCE(SUM(status), 0)
FROM operations_levels
WHERE l{level} = :prefix
  AND created_at >= :since

-- name: exact
SELECT id, created_at, status, type_path
FROM operations_levels
WHERE type_path = :path
ORDER BY created_at DESC, id
LIMIT :limit

-- name: newest
SELECT id, created_at, status, type_path
FROM operations_levels
ORDER BY created_at DESC, id DESC
LIMIT :limit

-- name: count_all
SELECT COUNT(*) FROM operations_levels

-- name: insert_one
INSERT INTO operations_levels
  (type_path, created_at, status, payload_json, l1, l2, l3, l4, l5)
VALUES (:path, :created_at, :status, :payload, :l1, :l2, :l3, :l4, :l5)

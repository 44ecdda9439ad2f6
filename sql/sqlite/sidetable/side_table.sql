-- The side table: each operation has one row for each of its prefixes, in the
-- order in which "latest N under a prefix" reads them. Times are microseconds
-- since 1970.

-- name: create_operations
CREATE TABLE operations (
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
CREATE INDEX IF NOT EXISTS operations_created ON operations (created_at)

-- name: index_operations_path
CREATE INDEX IF NOT EXISTS operations_path_created ON operations (type_path, created_at DESC, id)

-- name: create_prefixes
CREATE TABLE operation_prefixes (
  operation_id INTEGER NOT NULL,
  prefix TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (operation_id, prefix)
) WITHOUT ROWID

-- name: index_prefixes_latest
CREATE INDEX IF NOT EXISTS operation_prefixes_latest
ON operation_prefixes (prefix, created_at DESC, operation_id)

-- name: drop_prefixes
DROP TABLE IF EXISTS operation_prefixes

-- name: drop_operations
DROP TABLE IF EXISTS operations

-- name: analyze_operations
ANALYZE operations

-- name: analyze_prefixes
ANALYZE operation_prefixes

-- name: latest
SELECT o.id, o.created_at, o.status, o.type_path
FROM operation_prefixes p
JOIN operations o ON o.id = p.operation_id
WHERE p.prefix = :prefix
ORDER BY p.created_at DESC, p.operation_id
LIMIT :limit

-- The offset is walked in the index alone; only the rows wanted are joined.
-- name: latest_offset
SELECT o.id, o.created_at, o.status, o.type_path
FROM (SELECT operation_id, created_at
      FROM operation_prefixes
      WHERE prefix = :prefix
      ORDER BY created_at DESC, operation_id
      LIMIT :limit OFFSET :offset) p
JOIN operations o ON o.id = p.operation_id
ORDER BY p.created_at DESC, p.operation_id

-- name: count_since
SELECT COUNT(*)
FROM operation_prefixes
WHERE prefix = :prefix AND created_at >= :since

-- name: error_rate
SELECT COUNT(*), COALESCE(SUM(o.status), 0)
FROM operation_prefixes p
JOIN operations o ON o.id = p.operation_id
WHERE p.prefix = :prefix AND p.created_at >= :since

-- name: exact
SELECT id, created_at, status, type_path
FROM operations
WHERE type_path = :path
ORDER BY created_at DESC, id
LIMIT :limit

-- name: newest
SELECT id, created_at, status, type_path
FROM operations
ORDER BY created_at DESC, id DESC
LIMIT :limit

-- name: count_all
SELECT COUNT(*) FROM operations

-- name: prefixes_of
SELECT prefix, created_at
FROM operation_prefixes
WHERE operation_id = :id
ORDER BY LENGTH(prefix)

-- name: insert_one
INSERT INTO operations (type_path, created_at, status, payload_json)
VALUES (:path, :created_at, :status, :payload)

-- name: insert_prefix
INSERT INTO operation_prefixes (operation_id, prefix, created_at)
VALUES (:id, :prefix, :created_at)

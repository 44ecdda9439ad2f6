-- The side table: each operation has one row for each of its prefixes, in the
-- order in which "latest N under a prefix" reads them. Times are microseconds
-- since 1970.

-- name: create_operations
CREATE TABLE {prefix}operations (
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
CREATE INDEX IF NOT EXISTS {prefix}operations_created ON {prefix}operations (created_at)

-- name: index_operations_path
CREATE INDEX IF NOT EXISTS {prefix}operations_path_created ON {prefix}operations (type_path, created_at DESC, id)

-- name: create_prefixes
CREATE TABLE {prefix}operation_prefixes (
  operation_id INTEGER NOT NULL,
  prefix TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (operation_id, prefix)
) WITHOUT ROWID

-- name: index_prefixes_latest
CREATE INDEX IF NOT EXISTS {prefix}operation_prefixes_latest
ON {prefix}operation_prefixes (prefix, created_at DESC, operation_id)

-- name: analyze_operations
ANALYZE {prefix}operations

-- name: analyze_prefixes
ANALYZE {prefix}operation_prefixes

-- name: latest
SELECT o.id, o.created_at, o.status, o.type_path
FROM {prefix}operation_prefixes p
JOIN {prefix}operations o ON o.id = p.operation_id
WHERE p.prefix = :prefix
ORDER BY p.created_at DESC, p.operation_id
LIMIT :limit

-- The offset is walked in the index alone; only the rows wanted are joined.
-- name: latest_offset
SELECT o.id, o.created_at, o.status, o.type_path
FROM (SELECT operation_id, created_at
      FROM {prefix}operation_prefixes
      WHERE prefix = :prefix
      ORDER BY created_at DESC, operation_id
      LIMIT :limit OFFSET :offset) p
JOIN {prefix}operations o ON o.id = p.operation_id
ORDER BY p.created_at DESC, p.operation_id

-- name: count_since
SELECT COUNT(*)
FROM {prefix}operation_prefixes
WHERE prefix = :prefix AND created_at >= :since

-- name: error_rate
SELECT COUNT(*), COALESCE(SUM(o.status), 0)
FROM {prefix}operation_prefixes p
JOIN {prefix}operations o ON o.id = p.operation_id
WHERE p.prefix = :prefix AND p.created_at >= :since

-- name: exact
SELECT id, created_at, status, type_path
FROM {prefix}operations
WHERE type_path = :path
ORDER BY created_at DESC, id
LIMIT :limit

-- name: newest
SELECT id, created_at, status, type_path
FROM {prefix}operations
ORDER BY created_at DESC, id DESC
LIMIT :limit

-- The check of what was written: which rows are new, and are they right?
-- name: last_id
SELECT COALESCE(MAX(id), 0) FROM {prefix}operations

-- name: count_new
SELECT COUNT(*) FROM {prefix}operations WHERE id > :id

-- name: find
SELECT id, created_at, status, type_path
FROM {prefix}operations
WHERE type_path = :path AND created_at = :created_at AND id > :id
ORDER BY id

-- name: count_new_prefixes
SELECT COUNT(*) FROM {prefix}operation_prefixes WHERE operation_id > :id

-- Operations with another number of prefix rows than prefixes.
-- name: count_incomplete
SELECT COUNT(*)
FROM {prefix}operations o
LEFT JOIN (SELECT operation_id, COUNT(*) AS found
           FROM {prefix}operation_prefixes
           WHERE operation_id > :id
           GROUP BY operation_id) p ON p.operation_id = o.id
WHERE o.id > :id
  AND COALESCE(p.found, 0)
      <> 1 + length(o.type_path) - length(replace(o.type_path, '.', ''))

-- Prefix rows that are not of their operation, or of none.
-- name: count_misplaced
SELECT COUNT(*)
FROM {prefix}operation_prefixes p
LEFT JOIN {prefix}operations o ON o.id = p.operation_id
WHERE p.operation_id > :id
  AND (o.id IS NULL OR p.created_at <> o.created_at
       OR substr(o.type_path || '.', 1, length(p.prefix) + 1)
       <> p.prefix || '.')

-- name: prefixes_of
SELECT prefix, created_at
FROM {prefix}operation_prefixes
WHERE operation_id = :id
ORDER BY LENGTH(prefix)

-- name: insert_one
INSERT INTO {prefix}operations (type_path, created_at, status, payload_json)
VALUES (:path, :created_at, :status, :payload)

-- name: insert_prefix
INSERT INTO {prefix}operation_prefixes (operation_id, prefix, created_at)
VALUES (:id, :prefix, :created_at)

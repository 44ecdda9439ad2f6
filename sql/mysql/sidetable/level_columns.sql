-- One column for each level, each with its index: reads seek as in the side
-- table, writes pay for five indexes in one row, and paths end at five levels.

-- name: create_operations
CREATE TABLE {prefix}operations_levels (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  type_path VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  status TINYINT UNSIGNED NOT NULL,
  payload_json JSON NOT NULL,
  l1 VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NULL,
  l2 VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NULL,
  l3 VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NULL,
  l4 VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NULL,
  l5 VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NULL,
  CONSTRAINT {prefix}operations_levels_path_form
    CHECK (type_path REGEXP '^[a-z0-9_]+([.][a-z0-9_]+)*$'),
  CONSTRAINT {prefix}operations_levels_status_known CHECK (status IN (0, 1))
) ENGINE=InnoDB

-- name: index_operations
ALTER TABLE {prefix}operations_levels
  ADD INDEX {prefix}operations_levels_created (created_at),
  ADD INDEX {prefix}operations_levels_path_created (type_path, created_at DESC, id),
  ADD INDEX {prefix}operations_levels_l1 (l1, created_at DESC, id),
  ADD INDEX {prefix}operations_levels_l2 (l2, created_at DESC, id),
  ADD INDEX {prefix}operations_levels_l3 (l3, created_at DESC, id),
  ADD INDEX {prefix}operations_levels_l4 (l4, created_at DESC, id),
  ADD INDEX {prefix}operations_levels_l5 (l5, created_at DESC, id)

-- name: analyze_operations
ANALYZE TABLE {prefix}operations_levels

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
SELECT COUNT(*), CAST(COALESCE(SUM(status), 0) AS SIGNED)
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
SELECT CAST(COALESCE(MAX(id), 0) AS SIGNED) FROM {prefix}operations_levels

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

-- name: insert_rows
INSERT INTO {prefix}operations_levels
  (type_path, created_at, status, payload_json, l1, l2, l3, l4, l5)
VALUES {(:path, :created_at, :status, :payload, :l1, :l2, :l3, :l4, :l5)}

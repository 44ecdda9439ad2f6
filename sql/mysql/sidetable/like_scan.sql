-- LIKE over the path itself: one table, no further rows, but the rows under a
-- prefix lie in the order of their paths, so the latest must be sorted out.

-- name: create_operations
CREATE TABLE {prefix}operations_like (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  type_path VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  status TINYINT UNSIGNED NOT NULL,
  payload_json JSON NOT NULL,
  CONSTRAINT {prefix}operations_like_path_form
    CHECK (type_path REGEXP '^[a-z0-9_]+([.][a-z0-9_]+)*$'),
  CONSTRAINT {prefix}operations_like_status_known CHECK (status IN (0, 1))
) ENGINE=InnoDB

-- name: index_operations
ALTER TABLE {prefix}operations_like
  ADD INDEX {prefix}operations_like_created (created_at),
  ADD INDEX {prefix}operations_like_path_created (type_path, created_at DESC, id)

-- name: analyze_operations
ANALYZE TABLE {prefix}operations_like

-- name: latest
SELECT id, created_at, status, type_path
FROM {prefix}operations_like
WHERE (type_path = :prefix OR type_path LIKE :pattern ESCAPE '!')
ORDER BY created_at DESC, id
LIMIT :limit

-- name: latest_offset
SELECT id, created_at, status, type_path
FROM {prefix}operations_like
WHERE (type_path = :prefix OR type_path LIKE :pattern ESCAPE '!')
ORDER BY created_at DESC, id
LIMIT :limit OFFSET :offset

-- name: count_since
SELECT COUNT(*)
FROM {prefix}operations_like
WHERE (type_path = :prefix OR type_path LIKE :pattern ESCAPE '!')
  AND created_at >= :since

-- name: error_rate
SELECT COUNT(*), CAST(COALESCE(SUM(status), 0) AS SIGNED)
FROM {prefix}operations_like
WHERE (type_path = :prefix OR type_path LIKE :pattern ESCAPE '!')
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
SELECT CAST(COALESCE(MAX(id), 0) AS SIGNED) FROM {prefix}operations_like

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

-- name: insert_rows
INSERT INTO {prefix}operations_like (type_path, created_at, status, payload_json)
VALUES {(:path, :created_at, :status, :payload)}

-- The side table: each operation has one row for each of its prefixes, in the
-- order in which "latest N under a prefix" reads them. Ids are the writers' own,
-- out of blocks that operation_ids hands out: a writer must know the ids
-- of its rows, and no range of AUTO_INCREMENT values is certain to be its own
-- (auto_increment_increment, interleaved lock mode).

-- name: create_operations
CREATE TABLE {prefix}operations (
  id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  type_path VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  status TINYINT UNSIGNED NOT NULL,
  payload_json JSON NOT NULL,
  CONSTRAINT {prefix}operations_path_form
    CHECK (type_path REGEXP '^[a-z0-9_]+([.][a-z0-9_]+)*$'),
  CONSTRAINT {prefix}operations_status_known CHECK (status IN (0, 1))
) ENGINE=InnoDB

-- name: index_operations
ALTER TABLE {prefix}operations
  ADD INDEX {prefix}operations_created (created_at),
  ADD INDEX {prefix}operations_path_created (type_path, created_at DESC, id)

-- name: create_prefixes
CREATE TABLE {prefix}operation_prefixes (
  operation_id BIGINT UNSIGNED NOT NULL,
  prefix VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (operation_id, prefix)
) ENGINE=InnoDB

-- name: index_prefixes
ALTER TABLE {prefix}operation_prefixes
  ADD INDEX {prefix}operation_prefixes_latest (prefix, created_at DESC, operation_id)

-- One row: the first id that no writer has.
-- name: create_ids
CREATE TABLE {prefix}operation_ids (
  singleton TINYINT UNSIGNED NOT NULL PRIMARY KEY,
  next_id BIGINT UNSIGNED NOT NULL
) ENGINE=InnoDB

-- name: create_procedure
CREATE PROCEDURE {prefix}insert_operation_with_prefixes(
  IN p_id BIGINT UNSIGNED,
  IN p_type_path VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin,
  IN p_created_at DATETIME(6),
  IN p_status TINYINT UNSIGNED,
  IN p_payload_json JSON,
  IN p_prefixes JSON)
COMMENT '{mark}'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    ROLLBACK;
    RESIGNAL;
  END;
  START TRANSACTION;
  INSERT INTO {prefix}operations
    (id, type_path, created_at, status, payload_json)
  VALUES (p_id, p_type_path, p_created_at, p_status, p_payload_json);
  INSERT INTO {prefix}operation_prefixes (operation_id, prefix, created_at)
  SELECT p_id, j.prefix, p_created_at
  FROM JSON_TABLE(p_prefixes, '$[*]'
                  COLUMNS (prefix VARCHAR(191) PATH '$')) j;
  COMMIT;
END

-- name: find_procedure
SELECT routine_comment
FROM information_schema.routines
WHERE routine_schema = DATABASE() AND routine_name = :name

-- name: drop_procedure
DROP PROCEDURE IF EXISTS {prefix}insert_operation_with_prefixes

-- name: advance_ids
REPLACE INTO {prefix}operation_ids (singleton, next_id)
SELECT 1, COALESCE(MAX(id), 0) + 1 FROM {prefix}operations

-- The first id of a block is what LAST_INSERT_ID() is after it.
-- name: allocate_ids
UPDATE {prefix}operation_ids
SET next_id = LAST_INSERT_ID(next_id) + :count
WHERE singleton = 1

-- name: analyze_operations
ANALYZE TABLE {prefix}operations

-- name: analyze_prefixes
ANALYZE TABLE {prefix}operation_prefixes

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
SELECT COUNT(*), CAST(COALESCE(SUM(o.status), 0) AS SIGNED)
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
SELECT CAST(COALESCE(MAX(id), 0) AS SIGNED) FROM {prefix}operations

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
      <> 1 + LENGTH(o.type_path) - LENGTH(REPLACE(o.type_path, '.', ''))

-- Prefix rows that are not of their operation, or of none.
-- name: count_misplaced
SELECT COUNT(*)
FROM {prefix}operation_prefixes p
LEFT JOIN {prefix}operations o ON o.id = p.operation_id
WHERE p.operation_id > :id
  AND (o.id IS NULL OR p.created_at <> o.created_at
       OR LEFT(CONCAT(o.type_path, '.'), LENGTH(p.prefix) + 1)
       <> CONCAT(p.prefix, '.'))

-- name: prefixes_of
SELECT prefix, created_at
FROM {prefix}operation_prefixes
WHERE operation_id = :id
ORDER BY LENGTH(prefix)

-- name: insert_one
CALL {prefix}insert_operation_with_prefixes(
  :id, :path, :created_at, :status, :payload, :prefixes)

-- name: insert_rows
INSERT INTO {prefix}operations (id, type_path, created_at, status, payload_json)
VALUES {(:id, :path, :created_at, :status, :payload)}

-- The prefixes of a batch, whose ids the writer has chosen.
-- name: insert_rows_prefixes
INSERT INTO {prefix}operation_prefixes (operation_id, prefix, created_at)
SELECT o.id, SUBSTRING_INDEX(o.type_path, '.', n.level), o.created_at
FROM {prefix}operations o
JOIN (SELECT 1 AS level UNION ALL SELECT 2 UNION ALL SELECT 3
      UNION ALL SELECT 4 UNION ALL SELECT 5) n
  ON n.level <= 1 + LENGTH(o.type_path) - LENGTH(REPLACE(o.type_path, '.', ''))
WHERE o.id >= :first_id AND o.id < :end_id

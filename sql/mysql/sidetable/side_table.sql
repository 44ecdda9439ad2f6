-- The side table: each operation has one row for each of its prefixes, in the
-- order in which "latest N under a prefix" reads them.

-- name: create_operations
CREATE TABLE operations (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  type_path VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  status TINYINT UNSIGNED NOT NULL,
  payload_json JSON NOT NULL,
  CONSTRAINT operations_path_form
    CHECK (type_path REGEXP '^[a-z0-9_]+([.][a-z0-9_]+)*$'),
  CONSTRAINT operations_status_known CHECK (status IN (0, 1))
) ENGINE=InnoDB

-- name: index_operations
ALTER TABLE operations
  ADD INDEX operations_created (created_at),
  ADD INDEX operations_path_created (type_path, created_at DESC, id)

-- name: create_prefixes
CREATE TABLE operation_prefixes (
  operation_id BIGINT UNSIGNED NOT NULL,
  prefix VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (operation_id, prefix)
) ENGINE=InnoDB

-- name: index_prefixes
ALTER TABLE operation_prefixes
  ADD INDEX operation_prefixes_latest (prefix, created_at DESC, operation_id)

-- name: create_procedure
CREATE PROCEDURE insert_operation_with_prefixes(
  IN p_type_path VARCHAR(191) CHARACTER SET ascii COLLATE ascii_bin,
  IN p_created_at DATETIME(6),
  IN p_status TINYINT UNSIGNED,
  IN p_payload_json JSON,
  IN p_prefixes JSON)
BEGIN
  DECLARE v_id BIGINT UNSIGNED;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    ROLLBACK;
    RESIGNAL;
  END;
  START TRANSACTION;
  INSERT INTO operations (type_path, created_at, status, payload_json)
  VALUES (p_type_path, p_created_at, p_status, p_payload_json);
  SET v_id = LAST_INSERT_ID();
  INSERT INTO operation_prefixes (operation_id, prefix, created_at)
  SELECT v_id, j.prefix, p_created_at
  FROM JSON_TABLE(p_prefixes, '$[*]'
                  COLUMNS (prefix VARCHAR(191) PATH '$')) j;
  COMMIT;
  SELECT v_id AS id;
END

-- name: drop_procedure
DROP PROCEDURE IF EXISTS insert_operation_with_prefixes

-- name: drop_prefixes
DROP TABLE IF EXISTS operation_prefixes

-- name: drop_operations
DROP TABLE IF EXISTS operations

-- name: analyze_operations
ANALYZE TABLE operations

-- name: analyze_prefixes
ANALYZE TABLE operation_prefixes

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
SELECT COUNT(*), CAST(COALESCE(SUM(o.status), 0) AS SIGNED)
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
CALL insert_operation_with_prefixes(:path, :created_at, :status, :payload, :prefixes)

-- A multi-row INSERT of known length gets consecutive ids from InnoDB.
-- name: insert_rows
INSERT INTO operations (type_path, created_at, status, payload_json)
VALUES {(:path, :created_at, :status, :payload)}

-- name: insert_rows_prefixes
INSERT INTO operation_prefixes (operation_id, prefix, created_at)
SELECT o.id, SUBSTRING_INDEX(o.type_path, '.', n.level), o.created_at
FROM operations o
JOIN (SELECT 1 AS level UNION ALL SELECT 2 UNION ALL SELECT 3
      UNION ALL SELECT 4 UNION ALL SELECT 5) n
  ON n.level <= 1 + LENGTH(o.type_path) - LENGTH(REPLACE(o.type_path, '.', ''))
WHERE o.id >= :first_id AND o.id < :end_id

-- What the pipeline asks a MySQL or MariaDB server about a table. A schema that
-- is empty is the connection's own database. Names are compared without regard
-- to case here, so the answers name the table.

-- What a pipeline's sessions set beside what every session of opsbench sets
-- (lib/opsbench/db/SETTINGS.md): a row whose id is 0 keeps it, checks are looked
-- at, and waits for the other end of the pipeline take as long as they take.
-- name: session
SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO'),
  /*M! check_constraint_checks = 1, */
  net_write_timeout = 86400, net_read_timeout = 86400, wait_timeout = 86400

-- name: tables
SELECT t.TABLE_SCHEMA, t.TABLE_NAME, COALESCE(t.ENGINE, ''),
  COALESCE(e.TRANSACTIONS, 'NO'), t.TABLE_TYPE
FROM information_schema.TABLES AS t
LEFT JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE
WHERE t.TABLE_SCHEMA = COALESCE(NULLIF(:schema, ''), DATABASE())
  AND t.TABLE_NAME = :table

-- name: columns
SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE,
  NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION,
  CHARACTER_MAXIMUM_LENGTH, CHARACTER_SET_NAME, COLLATION_NAME,
  COLUMN_COMMENT, COALESCE(GENERATION_EXPRESSION, '')
FROM information_schema.COLUMNS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table
ORDER BY ORDINAL_POSITION

-- name: unique_keys
SELECT TABLE_NAME, INDEX_NAME, COALESCE(COLUMN_NAME, '')
FROM information_schema.STATISTICS
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table AND NON_UNIQUE = 0
ORDER BY INDEX_NAME, SEQ_IN_INDEX

-- name: checks
SELECT TABLE_NAME, CHECK_CLAUSE
FROM information_schema.CHECK_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = :schema AND TABLE_NAME = :table

-- name: ties
SELECT CONCAT('foreign key ', CONSTRAINT_NAME)
FROM information_schema.KEY_COLUMN_USAGE
WHERE REFERENCED_TABLE_NAME IS NOT NULL
  AND (TABLE_SCHEMA = :schema AND TABLE_NAME = :table
    OR REFERENCED_TABLE_SCHEMA = :schema AND REFERENCED_TABLE_NAME = :table)
UNION ALL
SELECT CONCAT('trigger ', TRIGGER_NAME)
FROM information_schema.TRIGGERS
WHERE EVENT_OBJECT_SCHEMA = :schema AND EVENT_OBJECT_TABLE = :table
UNION ALL
SELECT 'the history of its rows'
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table
  AND TABLE_TYPE = 'SYSTEM VERSIONED'

-- Tables whose rows would go, or change, with the table's rows.
-- name: dependents
SELECT CONCAT(CONSTRAINT_SCHEMA, '.', TABLE_NAME, ' (foreign key ',
  CONSTRAINT_NAME, ' ON DELETE ', DELETE_RULE, ')')
FROM information_schema.REFERENTIAL_CONSTRAINTS
WHERE UNIQUE_CONSTRAINT_SCHEMA = :schema AND REFERENCED_TABLE_NAME = :table
  AND DELETE_RULE NOT IN ('NO ACTION', 'RESTRICT')
  AND NOT (CONSTRAINT_SCHEMA = :schema AND TABLE_NAME = :table)

-- The same of MariaDB, for who may see it: its other views open every table
-- that there is.
-- name: dependents_innodb
SELECT CONCAT(REPLACE(FOR_NAME, '/', '.'), ' (foreign key ',
  SUBSTRING_INDEX(ID, '/', -1), ' ON DELETE ',
  IF(TYPE & 1, 'CASCADE', 'SET NULL'), ')')
FROM information_schema.INNODB_SYS_FOREIGN
WHERE REF_NAME = CONCAT(CAST(CONVERT(:schema USING filename) AS BINARY), '/',
    CAST(CONVERT(:table USING filename) AS BINARY))
  AND TYPE & 3 AND FOR_NAME <> REF_NAME

-- name: comment
SELECT TABLE_NAME, TABLE_COMMENT
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table

-- Tables that staged runs of the same target left: of these names, with their
-- mark.
-- name: leftovers
SELECT TABLE_NAME
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_COMMENT = :mark
  AND LEFT(TABLE_NAME, CHAR_LENGTH(:prefix)) = :prefix

-- name: lock
SELECT GET_LOCK(:name, 0)

-- Of the server, as far as it tells, and the table.
-- name: identity
SELECT TABLE_NAME, CONCAT_WS('/', @@hostname, @@port, @@socket, @@datadir,
  CREATE_TIME, TABLE_SCHEMA, TABLE_NAME)
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table

-- What the pipeline asks a MySQL or MariaDB server about a table. A schema that
-- is empty is the connection's own database. Names are compared without regard
-- to case here, so the answers name the table.

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

-- Of the server, as far as it tells, and the table.
-- name: identity
SELECT TABLE_NAME, CONCAT_WS('/', @@hostname, @@port, @@socket, @@datadir,
  CREATE_TIME, TABLE_SCHEMA, TABLE_NAME)
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = :schema AND TABLE_NAME = :table

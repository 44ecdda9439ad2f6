-- Whose a table is (lib/opsbench/db/ownership.h).

-- name: find
SELECT CASE table_type WHEN 'BASE TABLE' THEN 'table' ELSE LOWER(table_type) END,
       table_comment
FROM information_schema.tables
WHERE table_schema = COALESCE(NULLIF(:schema, ''), DATABASE())
  AND table_name = :name

-- name: drop
DROP TABLE {table}

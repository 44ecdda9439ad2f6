-- Whose a table is (lib/opsbench/db/ownership.h).

-- name: find
SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table'
         WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
         WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index'
         WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
         WHEN 'c' THEN 'type' ELSE 'relation' END,
       COALESCE(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = COALESCE(NULLIF(CAST(:schema AS text), ''), current_schema())
  AND c.relname = CAST(:name AS text)

-- name: mark
COMMENT ON TABLE {table} IS '{mark}'

-- name: drop
DROP TABLE {table}

-- Whose a table is (lib/opsbench/db/ownership.h).

-- name: find
SELECT type, COALESCE(sql, '')
FROM sqlite_schema
WHERE name = :name COLLATE NOCASE AND type IN ('table', 'view', 'index')

-- name: drop
DROP TABLE {table}

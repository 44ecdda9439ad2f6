-- What the pipeline asks SQLite about a table, and its markers.

-- name: table
SELECT name FROM sqlite_schema
WHERE type IN ('table', 'view') AND name = :table COLLATE NOCASE

-- name: columns
SELECT name, type, "notnull", pk, hidden
FROM pragma_table_xinfo(:table)
WHERE hidden <> 1
ORDER BY cid

-- name: indexes
SELECT name FROM pragma_index_list(:table)

-- Tables whose rows would go, or change, with the table's rows.
-- name: dependents
SELECT m.name || ' (foreign key ON DELETE ' || f.on_delete || ')'
FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
WHERE m.type = 'table' AND f."table" = :table COLLATE NOCASE
  AND f.on_delete NOT IN ('NO ACTION', 'RESTRICT')
  AND m.name <> :table COLLATE NOCASE

-- name: create_markers
CREATE TABLE opsbench_pipeline_marker (
  name TEXT NOT NULL PRIMARY KEY,
  marker TEXT NOT NULL
)

-- name: write_marker
REPLACE INTO opsbench_pipeline_marker (name, marker) VALUES (:name, :marker)

-- name: read_marker
SELECT marker FROM opsbench_pipeline_marker WHERE name = :name

-- Where the file is, as SQLite has resolved its path; empty in memory.
-- name: file
SELECT file FROM pragma_database_list WHERE name = 'main'

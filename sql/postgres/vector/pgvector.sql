-- Vector search with pgvector (lib/opsbench/vector), 0.5 or later. Each section
-- is one statement.

-- name: available_version
SELECT default_version FROM pg_available_extensions WHERE name = 'vector'

-- name: create_extension
CREATE EXTENSION IF NOT EXISTS vector

-- name: installed_version
SELECT extversion FROM pg_extension WHERE extname = 'vector'

-- Makes a session load the extension's library.

-- name: load_library
SELECT '[1]'::vector

-- name: drop
DROP TABLE IF EXISTS {table}

-- name: create
CREATE TABLE {table} (
  id INTEGER NOT NULL,
  embedding vector({dimension}) NOT NULL,
  tag INTEGER NOT NULL,
  number DOUBLE PRECISION NOT NULL
)

-- name: load
COPY {table} (id, embedding, tag, number) FROM STDIN (FORMAT binary)

-- name: build_memory
SET maintenance_work_mem = '{kibibytes}kB'

-- name: build_workers
SET max_parallel_maintenance_workers = {workers}

-- name: index_hnsw
CREATE INDEX {table}_embedding ON {table}
USING hnsw (embedding {opclass})
WITH (m = {m}, ef_construction = {ef_construction})

-- name: index_ivfflat
CREATE INDEX {table}_embedding ON {table}
USING ivfflat (embedding {opclass})
WITH (lists = {lists})

-- name: index_tag
CREATE INDEX {table}_tag ON {table} (tag)

-- name: index_number
CREATE INDEX {table}_number ON {table} (number)

-- Statistics for the planner, and pages that are known to hold no dead rows.

-- name: vacuum
VACUUM (ANALYZE) {table}

-- name: index_bytes
SELECT pg_relation_size(to_regclass('{table}_embedding'))

-- What an existing table holds: its dimension, the access method of the index on
-- its vectors and the class of that index's operators, both NULL without one.

-- name: describe
SELECT a.atttypmod, am.amname, opc.opcname
FROM pg_attribute a
LEFT JOIN pg_index i ON i.indexrelid = to_regclass('{table}_embedding')
LEFT JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_opclass opc ON opc.oid = i.indclass[0]
WHERE a.attrelid = to_regclass('{table}') AND a.attname = 'embedding'

-- name: count
SELECT COUNT(*) FROM {table}

-- name: ef_search
SET hnsw.ef_search = {ef}

-- name: probes
SET ivfflat.probes = {ef}

-- From 0.8 on, a search whose filter leaves too few rows looks further.

-- name: iterative_scan
SET {method}.iterative_scan = relaxed_order

-- The number of rows is written out, so that the planner knows it.

-- name: search
SELECT id, embedding {operator} :query AS distance
FROM {table}
ORDER BY embedding {operator} :query
LIMIT {k}

-- name: search_tag
SELECT id, embedding {operator} :query AS distance
FROM {table}
WHERE tag = :tag
ORDER BY embedding {operator} :query
LIMIT {k}

-- name: search_number
SELECT id, embedding {operator} :query AS distance
FROM {table}
WHERE number >= :low AND number < :high
ORDER BY embedding {operator} :query
LIMIT {k}

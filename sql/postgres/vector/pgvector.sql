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

-- Names that the table's indexes need and that something else has.

-- name: names_in_the_way
SELECT c.relname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema()
  AND c.relname IN ('{table}_embedding', '{table}_tag', '{table}_number')
  AND NOT EXISTS (SELECT 1
    FROM pg_index i
    JOIN pg_class t ON t.oid = i.indrelid
    WHERE i.indexrelid = c.oid
      AND t.relname = '{table}' AND t.relnamespace = c.relnamespace)
ORDER BY c.relname
LIMIT 1

-- Replaces the mark that the table was made with.

-- name: mark
COMMENT ON TABLE {table} IS '{mark}'

-- Without CASCADE: what depends on it stays, and so does it.

-- name: drop
DROP {kind} {name}

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
-- its vectors and the class of that index's operators, both NULL without one, and
-- whether that index is complete.

-- name: describe
SELECT a.atttypmod, am.amname, opc.opcname, 
  CASE WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END
FROM pg_attribute a
LEFT JOIN pg_index i ON i.indexrelid = to_regclass('{table}_embedding')
LEFT JOIN pg_class c ON c.oid = i.indexrelid
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_opclass opc ON opc.oid = i.indclass[0]
WHERE a.attrelid = to_regclass('{table}') AND a.attname = 'embedding'

-- name: count
SELECT COUNT(*) FROM {table}

-- name: sample
SELECT id, embedding::text FROM {table} WHERE id IN ({ids})

-- What a role or a database may have set otherwise, and what would make the
-- searches others than those that were asked for.

-- name: planner_settings
SELECT set_config(name, setting, FALSE)
FROM (VALUES
  ('enable_indexscan', 'on'),
  ('enable_bitmapscan', 'on'),
  ('enable_seqscan', 'on'),
  ('enable_sort', 'on'),
  ('plan_cache_mode', 'auto')
) AS settings (name, setting)

-- name: ef_search
SET hnsw.ef_search = {ef}

-- name: probes
SET ivfflat.probes = {ef}

-- From 0.8 on, a search whose filter leaves too few rows looks further.

-- name: iterative_scan
SELECT set_config(name, setting, FALSE)
FROM (VALUES
  ('{method}.iterative_scan', 'relaxed_order'),
  ('hnsw.max_scan_tuples', '20000'),
  ('hnsw.scan_mem_multiplier', '1'),
  ('ivfflat.max_probes', '32768')
) AS settings (name, setting)

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

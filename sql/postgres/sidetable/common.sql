-- What every strategy shares. Each section is one statement; :name is a
-- parameter, which the catalogue turns into the engine's own placeholder.

-- name: create_meta
CREATE TABLE {prefix}sidetable_meta (
  strategy TEXT PRIMARY KEY,
  schema_version INTEGER NOT NULL,
  seed BIGINT NOT NULL,
  operations BIGINT NOT NULL,
  chunk_operations BIGINT NOT NULL,
  complete SMALLINT NOT NULL
)

-- name: create_chunks
CREATE TABLE {prefix}sidetable_chunks (
  strategy TEXT NOT NULL,
  chunk BIGINT NOT NULL,
  PRIMARY KEY (strategy, chunk)
)

-- name: read_meta
SELECT schema_version, seed, operations, chunk_operations, complete
FROM {prefix}sidetable_meta
WHERE strategy = :strategy

-- name: write_meta
INSERT INTO {prefix}sidetable_meta
  (strategy, schema_version, seed, operations, chunk_operations, complete)
VALUES (:strategy, :version, :seed, :operations, :chunk_operations, 0)

-- name: complete_meta
UPDATE {prefix}sidetable_meta SET complete = 1 WHERE strategy = :strategy

-- name: upgrade_meta
UPDATE {prefix}sidetable_meta SET schema_version = :version
WHERE strategy = :strategy

-- name: delete_meta
DELETE FROM {prefix}sidetable_meta WHERE strategy = :strategy

-- name: read_chunks
SELECT chunk FROM {prefix}sidetable_chunks WHERE strategy = :strategy

-- name: write_chunk
INSERT INTO {prefix}sidetable_chunks (strategy, chunk) VALUES (:strategy, :chunk)

-- name: delete_chunks
DELETE FROM {prefix}sidetable_chunks WHERE strategy = :strategy

-- name: table_size
SELECT CAST(reltuples AS BIGINT), pg_total_relation_size(oid)
FROM pg_class
WHERE oid = to_regclass(:table)

-- name: mark_table
COMMENT ON TABLE {table} IS '{mark}'

-- What every strategy shares. Each section is one statement; :name is a
-- parameter, which the catalogue turns into the engine's own placeholder.

-- name: create_meta
CREATE TABLE {prefix}sidetable_meta (
  strategy TEXT NOT NULL PRIMARY KEY,
  schema_version INTEGER NOT NULL,
  seed INTEGER NOT NULL,
  operations INTEGER NOT NULL,
  chunk_operations INTEGER NOT NULL,
  complete INTEGER NOT NULL
)

-- name: create_chunks
CREATE TABLE {prefix}sidetable_chunks (
  strategy TEXT NOT NULL,
  chunk INTEGER NOT NULL,
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

-- Bytes of a table with its indexes, from the pages that they fill.
-- name: table_size
SELECT (SELECT MAX(seq) FROM sqlite_sequence WHERE name = :table),
       (SELECT SUM(pgsize) FROM dbstat
        WHERE aggregate = TRUE
          AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = :table))

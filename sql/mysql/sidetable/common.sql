-- What every strategy shares. Each section is one statement; :name is a
-- parameter, which the catalogue turns into the engine's own placeholder.

-- name: create_meta
CREATE TABLE {prefix}sidetable_meta (
  strategy VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  schema_version INT NOT NULL,
  seed BIGINT NOT NULL,
  operations BIGINT NOT NULL,
  chunk_operations BIGINT NOT NULL,
  complete TINYINT NOT NULL
) ENGINE=InnoDB

-- name: create_chunks
CREATE TABLE {prefix}sidetable_chunks (
  strategy VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  chunk BIGINT NOT NULL,
  PRIMARY KEY (strategy, chunk)
) ENGINE=InnoDB

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
SELECT CAST(SUM(table_rows) AS SIGNED),
       CAST(SUM(data_length + index_length) AS SIGNED)
FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_name = :table

-- name: mark_table
ALTER TABLE {table} COMMENT = '{mark}'

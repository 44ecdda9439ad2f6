-- The statements of simulated users (lib/opsbench/stress), for PostgreSQL. Each
-- section is one statement; :name is a parameter.

-- name: create_database
CREATE DATABASE {database} TEMPLATE template0

-- name: drop_database
DROP DATABASE IF EXISTS {database}

-- name: database_exists
SELECT COUNT(*) FROM pg_database WHERE datname = :database

-- name: create_small
CREATE TABLE {table} (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL
)

-- name: create_medium
CREATE TABLE {table} (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  created_at TIMESTAMP NOT NULL,
  category TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  price DOUBLE PRECISION NOT NULL,
  description TEXT NOT NULL
)

-- name: create_wide
CREATE TABLE {table} (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  created_at TIMESTAMP NOT NULL,
  category TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  price DOUBLE PRECISION NOT NULL,
  description TEXT NOT NULL,
  is_active BOOLEAN NOT NULL,
  rating SMALLINT NOT NULL,
  score DOUBLE PRECISION NOT NULL,
  notes TEXT NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  ref_code TEXT NOT NULL,
  weight DOUBLE PRECISION NOT NULL,
  height DOUBLE PRECISION NOT NULL,
  tag_a TEXT NOT NULL,
  tag_b TEXT NOT NULL,
  counter BIGINT NOT NULL,
  fraction DOUBLE PRECISION NOT NULL
)

-- What opsbench made in a database: a row for each table, whose column_name is
-- empty, and one for each of its columns.
-- name: create_mark
CREATE TABLE opsbench_mark (
  table_name VARCHAR(64) NOT NULL,
  column_name VARCHAR(64) NOT NULL,
  definition VARCHAR(400) NOT NULL,
  PRIMARY KEY (table_name, column_name)
)

-- name: read_mark
SELECT table_name, column_name, definition FROM opsbench_mark

-- Each column of each table and view, as the server knows it.
-- name: definitions
SELECT CASE n.nspname WHEN 'public' THEN c.relname
         ELSE n.nspname || '.' || c.relname END,
       CAST(a.attname AS text),
       concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                 CASE WHEN EXISTS (SELECT FROM pg_index i
                                   WHERE i.indrelid = c.oid AND i.indisprimary
                                     AND a.attnum = ANY (i.indkey))
                   THEN 'PRIMARY KEY' END)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a
  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1, a.attnum

-- Settings with which a crash loses what was acknowledged, and whose crash.
-- name: durability
SELECT name, setting,
       CASE name WHEN 'fsync' THEN 'its machine' ELSE 'the server' END
FROM pg_settings
WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off'

-- name: create_temporary
CREATE TEMPORARY TABLE stress_temporary (
  id BIGINT PRIMARY KEY,
  value DOUBLE PRECISION NOT NULL
)

-- name: drop_temporary
DROP TABLE IF EXISTS pg_temp.stress_temporary

-- What users do, and what the oracle asks. A read takes the first rows from an
-- id on of those that one user wrote. Rows with ids below 100 are there from
-- the start, in every table: joins find one by the last two digits of an id.

-- name: insert
INSERT INTO {table} ({columns}) VALUES ({marks})

-- name: select
SELECT id, name, value FROM {table}
WHERE id >= :start AND id < :end
ORDER BY id LIMIT :limit

-- name: aggregate_count
SELECT COUNT(*) FROM (
  SELECT id FROM {table}
  WHERE id >= :start AND id < :end
  ORDER BY id LIMIT :limit) part

-- name: aggregate_sum
SELECT COUNT(*), SUM(value), AVG(value) FROM (
  SELECT value FROM {table}
  WHERE id >= :start AND id < :end
  ORDER BY id LIMIT :limit) part

-- name: aggregate_min_max
SELECT COUNT(*), MIN(value), MAX(value) FROM (
  SELECT value FROM {table}
  WHERE id >= :start AND id < :end
  ORDER BY id LIMIT :limit) part

-- name: aggregate_groups
SELECT id % 10, COUNT(*), SUM(value) FROM (
  SELECT id, value FROM {table}
  WHERE id >= :start AND id < :end
  ORDER BY id LIMIT :limit) part
GROUP BY 1 ORDER BY 1

-- name: join_1
SELECT part.id, part.value, second.value FROM (
  SELECT id, value FROM {table}
  WHERE id >= :start AND id < :end
  ORDER BY id LIMIT :limit) part
JOIN {second} second ON second.id = part.id % 100
ORDER BY part.id

-- name: join_2
SELECT part.id, part.value, second.value, third.value FROM (
  SELECT id, value FROM {table}
  WHERE id >= :start AND id < :end
  ORDER BY id LIMIT :limit) part
JOIN {second} second ON second.id = part.id % 100
JOIN {third} third ON third.id = second.id
ORDER BY part.id

-- name: join_3
SELECT second.id, COUNT(*), SUM(part.value), MAX(second.value) FROM (
  SELECT id, value FROM {table}
  WHERE id >= :start AND id < :end
  ORDER BY id LIMIT :limit) part
JOIN {second} second ON second.id = part.id % 100
JOIN {third} third ON third.id = second.id
GROUP BY second.id ORDER BY second.id

-- name: read_temporary
SELECT COUNT(*), SUM(value) FROM stress_temporary

-- All rows, in any order.
-- name: rows
SELECT {columns} FROM {table}

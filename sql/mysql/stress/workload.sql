-- The statements of simulated users (lib/opsbench/stress), for MySQL and MariaDB. Each
-- section is one statement; :name is a parameter.

-- name: create_database
CREATE DATABASE {database} CHARACTER SET utf8mb4

-- name: drop_database
DROP DATABASE IF EXISTS {database}

-- name: database_exists
SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = :database

-- name: create_small
CREATE TABLE {table} (
  id BIGINT PRIMARY KEY,
  name VARCHAR(40) NOT NULL,
  value DOUBLE NOT NULL
) ENGINE = InnoDB

-- name: create_medium
CREATE TABLE {table} (
  id BIGINT PRIMARY KEY,
  name VARCHAR(40) NOT NULL,
  value DOUBLE NOT NULL,
  created_at DATETIME(6) NOT NULL,
  category VARCHAR(40) NOT NULL,
  quantity INT NOT NULL,
  price DOUBLE NOT NULL,
  description TEXT NOT NULL
) ENGINE = InnoDB

-- name: create_wide
CREATE TABLE {table} (
  id BIGINT PRIMARY KEY,
  name VARCHAR(40) NOT NULL,
  value DOUBLE NOT NULL,
  created_at DATETIME(6) NOT NULL,
  category VARCHAR(40) NOT NULL,
  quantity INT NOT NULL,
  price DOUBLE NOT NULL,
  description TEXT NOT NULL,
  is_active TINYINT NOT NULL,
  rating SMALLINT NOT NULL,
  score DOUBLE NOT NULL,
  notes TEXT NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  ref_code VARCHAR(40) NOT NULL,
  weight DOUBLE NOT NULL,
  height DOUBLE NOT NULL,
  tag_a VARCHAR(40) NOT NULL,
  tag_b VARCHAR(40) NOT NULL,
  counter BIGINT NOT NULL,
  fraction DOUBLE NOT NULL
) ENGINE = InnoDB

-- What opsbench made in a database: a row for each table, whose column_name is
-- empty, and one for each of its columns.
-- name: create_mark
CREATE TABLE opsbench_mark (
  table_name VARCHAR(64) NOT NULL,
  column_name VARCHAR(64) NOT NULL,
  definition VARCHAR(400) NOT NULL,
  PRIMARY KEY (table_name, column_name)
) ENGINE = InnoDB

-- name: read_mark
SELECT table_name, column_name, definition FROM opsbench_mark

-- Each column of each table and view, as the server knows it.
-- name: definitions
SELECT table_name, column_name,
       CONCAT_WS(' ', column_type, collation_name,
                 CASE is_nullable WHEN 'NO' THEN 'NOT NULL' END,
                 CASE column_key WHEN 'PRI' THEN 'PRIMARY KEY' END,
                 NULLIF(extra, ''))
FROM information_schema.columns
WHERE table_schema = DATABASE()
ORDER BY table_name, ordinal_position

-- Settings with which a crash loses what was acknowledged, and whose crash.
-- name: durability
SELECT 'innodb_flush_log_at_trx_commit',
       @@GLOBAL.innodb_flush_log_at_trx_commit,
       CASE @@GLOBAL.innodb_flush_log_at_trx_commit
         WHEN 0 THEN 'the server' ELSE 'its machine' END
WHERE @@GLOBAL.innodb_flush_log_at_trx_commit <> 1

-- name: create_temporary
CREATE TEMPORARY TABLE stress_temporary (
  id BIGINT PRIMARY KEY,
  value DOUBLE NOT NULL
) ENGINE = InnoDB

-- name: drop_temporary
DROP TEMPORARY TABLE IF EXISTS stress_temporary

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

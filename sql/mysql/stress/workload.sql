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

-- name: count
SELECT COUNT(*), SUM(value) FROM {table} WHERE id >= :start AND id < :end

-- name: rows
SELECT {columns} FROM {table}
WHERE id >= :start AND id < :end
ORDER BY id LIMIT :limit

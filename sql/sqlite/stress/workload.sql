-- The statements of simulated users (lib/opsbench/stress), for SQLite. Each
-- section is one statement; :name is a parameter.

-- name: create_small
CREATE TABLE {table} (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  value REAL NOT NULL
)

-- name: create_medium
CREATE TABLE {table} (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  created_at INTEGER NOT NULL,
  category TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  price REAL NOT NULL,
  description TEXT NOT NULL
)

-- name: create_wide
CREATE TABLE {table} (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  created_at INTEGER NOT NULL,
  category TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  price REAL NOT NULL,
  description TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  rating INTEGER NOT NULL,
  score REAL NOT NULL,
  notes TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  ref_code TEXT NOT NULL,
  weight REAL NOT NULL,
  height REAL NOT NULL,
  tag_a TEXT NOT NULL,
  tag_b TEXT NOT NULL,
  counter INTEGER NOT NULL,
  fraction REAL NOT NULL
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

-- Each column of each table and view, as the file knows it.
-- name: definitions
SELECT t.name, c.name,
       c.type || CASE WHEN c."notnull" THEN ' NOT NULL' ELSE '' END ||
       CASE WHEN c.pk THEN ' PRIMARY KEY' ELSE '' END
FROM sqlite_schema t
LEFT JOIN pragma_table_info(t.name) c
WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
ORDER BY t.name, c.cid

-- name: create_temporary
CREATE TEMPORARY TABLE stress_temporary (
  id INTEGER PRIMARY KEY,
  value REAL NOT NULL
)

-- name: drop_temporary
DROP TABLE IF EXISTS temp.stress_temporary

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

-- What a table of PostgreSQL's is made of. Each section is one statement; :name
-- is a parameter. An empty :schema is what the connection's search path finds.

-- What a pipeline's sessions set beside what every session of opsbench sets
-- (lib/opsbench/db/SETTINGS.md): all rows are read or none, and names of types
-- have one form.
-- name: session
SELECT current_setting('session_replication_role'),
  set_config('row_security', 'off', false),
  set_config('gin_fuzzy_search_limit', '0', false),
  set_config('quote_all_identifiers', 'off', false)

-- name: find_table
SELECT c.oid::int8, c.relkind::text, n.nspname::text,
  (SELECT coalesce(max(pg_relation_size(t.relid)), 0) FROM
     (SELECT c.oid AS relid WHERE c.relkind IN ('r', 'm')
      UNION ALL
      SELECT p.relid FROM pg_partition_tree(c.oid) p
      WHERE c.relkind = 'p' AND p.isleaf) t)
    / current_setting('block_size')::int8
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = :table
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND CASE WHEN :schema = '' THEN pg_table_is_visible(c.oid)
      ELSE n.nspname = :schema END

-- name: columns
WITH RECURSIVE declared AS (
  SELECT attnum, attname, atttypid, atttypmod, attnotnull, attgenerated,
    attidentity
  FROM pg_attribute
  WHERE attrelid = :table::int8::oid AND attnum > 0 AND NOT attisdropped
), based AS (
  -- A domain is read and written as the type that it is made of.
  SELECT attnum, atttypid AS type, atttypmod AS typmod FROM declared
  UNION ALL
  SELECT b.attnum, t.typbasetype, t.typtypmod
  FROM based b JOIN pg_type t ON t.oid = b.type
  WHERE t.typtype = 'd'
)
SELECT d.attname::text, b.type::int8, b.typmod::int8,
  format_type(d.atttypid, d.atttypmod), format_type(b.type, -1),
  t.typtype::text, coalesce(e.typtype::text, ''),
  d.attnotnull::int4,
  (d.attgenerated <> '')::int4, (d.attidentity <> '')::int4,
  -- Whether every server of PostgreSQL's reads the binary form alike.
  (t.oid < 16384 AND t.typtype <> 'p' AND t.typsend <> 0
    AND t.typname !~ '^_?(reg|aclitem|pg_(?!lsn)|xid|cid$|tid|refcursor)')::int4
FROM declared d
JOIN based b USING (attnum)
JOIN pg_type t ON t.oid = b.type AND t.typtype <> 'd'
LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
ORDER BY d.attnum

-- name: primary_key
SELECT a.attname::text
FROM pg_index i
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = :table::int8::oid AND i.indisprimary
ORDER BY k.place

-- Tables whose rows would go, or change, with the table's rows.
-- name: dependents
SELECT conrelid::regclass::text || ' (foreign key ' || conname
  || ' ON DELETE ' || CASE confdeltype WHEN 'c' THEN 'CASCADE'
    WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END || ')'
FROM pg_constraint
WHERE confrelid = {table} AND conrelid <> confrelid
  AND contype = 'f' AND confdeltype NOT IN ('a', 'r')
UNION ALL
SELECT i.inhrelid::regclass::text || ' (its child)'
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhparent
WHERE i.inhparent = {table} AND c.relkind = 'r'

-- name: has_schema
SELECT count(*) FROM pg_namespace WHERE nspname = :schema

-- name: has_type
SELECT count(to_regtype(:type))

-- Of the server while it runs, the database and the table.
-- name: identity
SELECT concat_ws('/', extract(epoch FROM pg_postmaster_start_time()),
  (SELECT oid FROM pg_database WHERE datname = current_database()),
  :table::int8)

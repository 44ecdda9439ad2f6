-- A table that takes another's place. Sections but `obstacles` return the
-- statements to run; :old and :new are object ids, :new_name is the quoted name
-- of the new table.

-- What a table may have that cannot be given to another one.
-- name: obstacles
SELECT what FROM (
  SELECT 'a trigger: ' || tgname AS what FROM pg_trigger
  WHERE tgrelid = :old::int8::oid AND NOT tgisinternal
  UNION ALL
  SELECT 'a policy: ' || polname FROM pg_policy
  WHERE polrelid = :old::int8::oid
  UNION ALL
  SELECT 'a rule: ' || rulename FROM pg_rewrite
  WHERE ev_class = :old::int8::oid
  UNION ALL
  SELECT 'a foreign key that refers to it: ' || conname FROM pg_constraint
  WHERE confrelid = :old::int8::oid AND conrelid <> confrelid AND contype = 'f'
  UNION ALL
  SELECT 'a view or rule that reads it: ' || r.ev_class::regclass::text
  FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
  WHERE d.classid = 'pg_rewrite'::regclass
    AND d.refclassid = 'pg_class'::regclass
    AND d.refobjid = :old::int8::oid AND r.ev_class <> d.refobjid
  UNION ALL
  SELECT 'a publication' FROM pg_publication_rel
  WHERE prrelid = :old::int8::oid
  UNION ALL
  SELECT 'a partition or a child or a parent' FROM pg_inherits
  WHERE :old::int8::oid IN (inhrelid, inhparent)
  UNION ALL
  SELECT 'privileges on a column: ' || attname FROM pg_attribute
  WHERE attrelid = :old::int8::oid AND attacl IS NOT NULL
  UNION ALL
  SELECT 'partitions' FROM pg_class
  WHERE oid = :old::int8::oid AND relkind <> 'r'
  UNION ALL
  SELECT 'row-level security' FROM pg_class
  WHERE oid = :old::int8::oid AND (relrowsecurity OR relforcerowsecurity)
  UNION ALL
  SELECT 'a replica identity' FROM pg_class
  WHERE oid = :old::int8::oid AND relreplident <> 'd'
  UNION ALL
  SELECT 'being unlogged or temporary' FROM pg_class
  WHERE oid = :old::int8::oid AND relpersistence <> 'p'
  UNION ALL
  SELECT 'its tablespace' FROM pg_class
  WHERE oid = :old::int8::oid AND reltablespace <> 0
) found
LIMIT 1

-- Sequences of serial columns belong to the new table; those of identity
-- columns go on where the old ones were.
-- name: sequences
SELECT CASE d.deptype
  WHEN 'a' THEN format('ALTER SEQUENCE %s OWNED BY %s.%I', s.oid::regclass,
    :new_name::text, a.attname)
  ELSE format('SELECT setval(pg_get_serial_sequence(%L, %L), '
    'last_value, is_called) FROM %s', :new_name::text, a.attname,
    s.oid::regclass) END
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid = :old::int8::oid AND d.deptype IN ('a', 'i')

-- name: properties
SELECT statement FROM (
  SELECT 1 AS place, format('ALTER TABLE %s SET (%s)', :new_name::text,
      array_to_string(reloptions, ', ')) AS statement
  FROM pg_class WHERE oid = :old::int8::oid AND reloptions IS NOT NULL
  UNION ALL
  SELECT 2, format('COMMENT ON TABLE %s IS %L', :new_name::text,
      obj_description(:old::int8::oid, 'pg_class'))
  WHERE obj_description(:old::int8::oid, 'pg_class') IS NOT NULL
  UNION ALL
  SELECT 3, format('GRANT %s ON TABLE %s TO %s%s', g.privilege_type,
      :new_name::text,
      CASE g.grantee WHEN 0 THEN 'PUBLIC'
        ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) g
  WHERE c.oid = :old::int8::oid
  UNION ALL
  SELECT 4, format('ALTER TABLE %s OWNER TO %I', :new_name::text,
      pg_get_userbyid(relowner))
  FROM pg_class WHERE oid = :old::int8::oid
    AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = current_user)
) found
ORDER BY place

-- Those that refer to the table itself would refer to the old one.
-- name: foreign_keys
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', :new_name::text, conname,
  pg_get_constraintdef(oid))
FROM pg_constraint
WHERE conrelid = :old::int8::oid AND contype = 'f'

-- Indexes of the new table get the names of those that they were made after.
-- name: index_names
WITH named AS (
  SELECT i.indrelid, c.relname, n.nspname,
    substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*') AS definition,
    i.indisprimary, i.indisunique
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE i.indrelid IN (:old::int8::oid, :new::int8::oid)
), placed AS (
  SELECT *, row_number() OVER (PARTITION BY indrelid, definition, indisprimary,
    indisunique ORDER BY relname) AS place
  FROM named
)
SELECT format('ALTER INDEX %I.%I RENAME TO %I', b.nspname, b.relname, a.relname)
FROM placed a
JOIN placed b USING (definition, indisprimary, indisunique, place)
WHERE a.indrelid = :old::int8::oid AND b.indrelid = :new::int8::oid

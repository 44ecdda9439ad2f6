-- How a memtable's changes are written, many rows at once. {columns} and
-- {parameters} are lists, the key first. SQLite takes an unknown name in double
-- quotes for a text, one in backticks never.

-- name: upsert
INSERT INTO `{table}` ({columns})
VALUES {({parameters})}
ON CONFLICT (`{key}`) DO UPDATE SET {assignments}

-- One of the assignments.
-- name: assignment
`{column}` = excluded.`{column}`

-- name: delete
DELETE FROM `{table}` WHERE `{key}` IN ({(:key)})

-- How a memtable's changes are written, many rows at once. {columns} and
-- {parameters} are lists, the key first. VALUES(column): MariaDB does not know
-- MySQL's newer row alias.

-- name: upsert
INSERT INTO `{table}` ({columns})
VALUES {({parameters})}
ON DUPLICATE KEY UPDATE {assignments}

-- One of the assignments.
-- name: assignment
`{column}` = VALUES(`{column}`)

-- name: delete
DELETE FROM `{table}` WHERE `{key}` IN ({(:key)})

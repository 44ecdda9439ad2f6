-- The markers of runs that committed, in the database of the target.

-- name: create
CREATE TABLE {table} (
  name VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
    PRIMARY KEY,
  marker LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE=InnoDB

-- name: write
REPLACE INTO {table} (name, marker) VALUES (:name, :marker)

-- Waits for a transaction that has written the row, and sees what it left.
-- name: read
SELECT marker FROM {table} WHERE name = :name FOR UPDATE

-- The table that benchmarks of persisters write to.

-- name: create
CREATE TABLE {table} (
  id BIGINT PRIMARY KEY,
  name VARCHAR(100) NOT NULL,
  category BIGINT NOT NULL,
  value BIGINT NOT NULL
)

-- name: clear
TRUNCATE TABLE {table}

-- name: count
SELECT COUNT(*) FROM {table}

-- name: read
SELECT name, category, value FROM {table} WHERE id = :id

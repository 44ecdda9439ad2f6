# Search engines over the wire: Redis, Valkey, PostgreSQL.

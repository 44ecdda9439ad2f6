-- What a result has to say of the library and the database it was measured on.

-- name: version
SELECT 'SQLite ' || sqlite_version()

-- name: settings
SELECT 'cache_size', cache_size FROM pragma_cache_size
UNION ALL SELECT 'journal_mode', journal_mode FROM pragma_journal_mode
UNION ALL SELECT 'page_size', page_size FROM pragma_page_size
UNION ALL SELECT 'synchronous', synchronous FROM pragma_synchronous

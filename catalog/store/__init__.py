"""DuckDB: the file, its locks, its schema, its statements."""

"""Files in the rows of a SQLite database: a provider for Entrepot."""

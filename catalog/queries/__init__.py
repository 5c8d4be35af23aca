"""The queries and commands of the catalog, by subject."""

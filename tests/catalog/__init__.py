"""The floor: errors, digests, paths, decisions, and the DuckDB store under several processes."""

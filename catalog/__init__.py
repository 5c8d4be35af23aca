"""The floor: nouns, errors, pure decisions, and the DuckDB store that remembers."""

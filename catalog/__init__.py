"""The foundation: values, errors, pure decisions, and the DuckDB catalog."""

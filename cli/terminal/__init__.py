"""The terminal: tables, JSON, exit codes."""

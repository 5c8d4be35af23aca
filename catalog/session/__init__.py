"""One catalog file in use: queued orders are applied before it is read."""

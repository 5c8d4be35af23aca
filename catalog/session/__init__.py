"""One catalog file in use: orders are applied before anybody reads."""

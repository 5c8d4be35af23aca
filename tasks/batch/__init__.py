"""Tasks of one batch."""

"""Tasks that list repositories."""

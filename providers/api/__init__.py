"""JSON APIs that list resources."""

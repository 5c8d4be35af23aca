"""Routes of uploaded resources."""

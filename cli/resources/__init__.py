"""Commands for uploaded resources."""

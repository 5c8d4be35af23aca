"""Queries of uploaded resources."""

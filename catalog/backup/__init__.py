"""Backups of a catalog: create, verify, restore."""

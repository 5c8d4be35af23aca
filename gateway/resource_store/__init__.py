"""Uploaded resources: versions, claims, locks, chunks."""

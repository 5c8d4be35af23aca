"""Threads, connections, limits, retries, progress."""

"""Destinations: history, damaged files, path conflicts, publication."""

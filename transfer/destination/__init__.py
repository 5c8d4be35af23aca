"""Destinations: history, quarantine, path conflicts, publication."""

"""Locations of bytes: mirrors, known copies, gathering."""

"""Locations of bytes: mirrors, known copies, bytes by digest."""

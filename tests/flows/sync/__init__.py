"""Tests of flows: sync."""

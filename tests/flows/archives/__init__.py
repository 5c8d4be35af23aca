"""Tests of flows: archives."""

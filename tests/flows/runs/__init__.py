"""Tests of flows: runs."""

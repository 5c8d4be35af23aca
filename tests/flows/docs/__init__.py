"""Tests of flows: docs."""

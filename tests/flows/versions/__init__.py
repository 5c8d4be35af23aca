"""Tests of flows: versions."""

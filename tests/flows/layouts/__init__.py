"""Tests of flows: layouts."""

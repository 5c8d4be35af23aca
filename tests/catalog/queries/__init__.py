"""Tests of catalog: queries."""

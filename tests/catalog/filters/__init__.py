"""Tests of catalog: filters."""

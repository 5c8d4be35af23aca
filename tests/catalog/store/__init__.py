"""Tests of catalog: store."""

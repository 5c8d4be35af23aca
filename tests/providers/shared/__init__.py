"""Tests of providers: shared."""

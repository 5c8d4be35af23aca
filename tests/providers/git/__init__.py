"""Tests of providers: git."""

"""Tests of providers: objects."""

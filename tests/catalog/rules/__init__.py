"""Tests of catalog: rules."""

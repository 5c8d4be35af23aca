"""Tests of gateway: limits."""

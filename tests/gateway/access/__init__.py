"""Tests of gateway: access."""

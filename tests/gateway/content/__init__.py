"""Tests of gateway: content."""

"""Tests of gateway: api."""

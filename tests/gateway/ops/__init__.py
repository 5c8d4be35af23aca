"""Tests of gateway: ops."""

"""Tests of gateway: http."""

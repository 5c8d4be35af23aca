"""Tests of gateway: pages."""

"""Tests of gateway: resources."""

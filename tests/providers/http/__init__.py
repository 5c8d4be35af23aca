"""Tests of providers: http."""

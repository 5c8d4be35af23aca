"""Tests of providers: trees."""

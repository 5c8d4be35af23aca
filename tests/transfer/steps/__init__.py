"""Tests of transfer: steps."""

"""Tests of transfer: large."""

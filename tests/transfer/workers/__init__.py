"""Tests of transfer: workers."""

"""Tests of transfer: destination."""

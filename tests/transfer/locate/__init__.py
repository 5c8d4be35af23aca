"""Tests of transfer: locate."""

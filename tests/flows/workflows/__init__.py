"""Tests of flows: workflows."""

"""Tests of catalog: model."""

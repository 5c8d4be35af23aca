"""Tests of catalog: backup."""

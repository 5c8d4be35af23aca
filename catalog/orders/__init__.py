"""Applies orders to the catalog: one module for each kind of change."""

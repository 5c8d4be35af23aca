"""Tests of what operators run Entrepot with."""

"""Parsers of text from outside, against text that nobody meant."""

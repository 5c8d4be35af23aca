"""Contracts: what the content of a file must satisfy before it is delivered."""

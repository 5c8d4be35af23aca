"""The steps of a batch."""

"""What a person runs: one verb a file."""

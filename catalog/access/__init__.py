"""Access control: what a token allows, and where."""

"""What each kind of order does to the catalog when it is folded: one kind a file."""

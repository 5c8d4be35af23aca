"""What object stores share: obstore, keys, errors."""

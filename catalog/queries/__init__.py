"""What may be asked of the catalog."""

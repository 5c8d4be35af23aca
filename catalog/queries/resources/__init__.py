"""What may be asked of resources that were uploaded."""

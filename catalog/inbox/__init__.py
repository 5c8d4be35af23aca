"""What was handed over and waits to be applied: orders and listings."""

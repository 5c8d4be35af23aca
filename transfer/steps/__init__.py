"""What is done with a batch, step by step."""

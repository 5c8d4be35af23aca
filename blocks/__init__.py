"""What Prefect stores: repositories and their limits."""

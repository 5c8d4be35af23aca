"""The command that sets Prefect up."""

"""The command that sets up Prefect."""

"""The steps of flows as Prefect tasks: thin wrappers around calls of the engine."""

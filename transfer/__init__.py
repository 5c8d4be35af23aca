"""The engine: batches, staging, limits, retries. It knows nothing of Prefect."""

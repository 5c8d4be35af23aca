"""Verbs as Prefect flows, tasks as Prefect tasks, reports as artifacts."""

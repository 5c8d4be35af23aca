"""Verbs and tasks as plain functions: nothing here imports Prefect."""

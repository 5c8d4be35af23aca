"""The workflow file: YAML to runs."""

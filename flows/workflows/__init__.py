"""The workflow file: from YAML to parameters of runs."""

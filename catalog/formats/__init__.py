"""Text formats: manifests, archives, sizes and durations."""

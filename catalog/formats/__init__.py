"""Forms that values take in text: manifests, archives, sizes and durations."""

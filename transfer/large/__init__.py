"""Large files: ranges, parts, and the parts journal."""

"""HTTP itself: ranges, conditions, bodies, errors."""

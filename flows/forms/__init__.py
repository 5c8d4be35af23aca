"""The forms of flows: options, selection, approval."""

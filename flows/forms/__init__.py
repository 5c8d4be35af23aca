"""What forms show: options, selection, approval."""

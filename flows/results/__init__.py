"""What flows return and show: results, reports, artifacts, events."""

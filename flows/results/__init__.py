"""What flows return and publish: results, reports, artifacts, events."""

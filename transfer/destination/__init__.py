"""What happens at a destination: history, quarantine, what makes way."""

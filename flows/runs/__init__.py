"""What every run shares: its plan, its gaps, its places."""

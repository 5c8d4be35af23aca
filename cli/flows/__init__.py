"""Every flow as a command."""

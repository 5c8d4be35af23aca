"""The command that checks for problems."""

"""The command that looks for problems."""

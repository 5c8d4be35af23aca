"""SSH connections, for SFTP and git."""

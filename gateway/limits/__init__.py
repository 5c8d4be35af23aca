"""What one client may take: requests, time, connections."""

"""Web servers, and the HTTP client of every provider."""

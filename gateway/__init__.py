"""Resources and versions over HTTP, and the streamer."""

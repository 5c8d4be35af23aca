"""The streamer: files of repositories, fetched on demand."""

"""One protocol a file: each builds a storage that the engine can read and write."""

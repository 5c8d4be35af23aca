"""One folder per protocol: each builds a storage that the engine can read and write."""

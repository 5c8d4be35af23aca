"""Real servers on 127.0.0.1 that the tests talk to: one a file, each a context manager."""

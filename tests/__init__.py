"""Tests, in the folders of what they test, against real servers on 127.0.0.1."""

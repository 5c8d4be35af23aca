"""One conformance suite for every provider, and what is special to each."""

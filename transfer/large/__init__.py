"""One large file: ranges, parts, the journal of them."""

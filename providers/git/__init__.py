"""Git repositories and Git LFS."""

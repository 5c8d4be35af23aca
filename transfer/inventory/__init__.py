"""Work on whole repositories: list, verify, adopt, reclaim."""

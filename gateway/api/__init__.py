"""Routes of repositories, versions, plans, runs."""

"""Pure decisions: what a plan does, what its guards allow, what is fresh."""

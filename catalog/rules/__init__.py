"""Pure decisions: what the guards of a plan allow, what is fresh."""

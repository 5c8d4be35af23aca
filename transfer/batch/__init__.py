"""The values of one batch in transfer."""

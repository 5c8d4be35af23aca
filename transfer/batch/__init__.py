"""The values of one batch on its way."""

"""Commands that read or change the catalog."""

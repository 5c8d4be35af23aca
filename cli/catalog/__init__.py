"""Commands that ask or change the catalog."""

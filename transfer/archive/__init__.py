"""Archives and exported trees."""

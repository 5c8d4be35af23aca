"""Tasks that remove or free something."""

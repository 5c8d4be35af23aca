"""How files are named at a destination, and sources that are a list of names."""

"""Many processes at one catalog and one destination for as long as is asked; then their history."""

"""What a storage may offer beside what every storage does."""

"""What the outside world does to a transfer: a fault kit, a matrix of all of it, and kills."""

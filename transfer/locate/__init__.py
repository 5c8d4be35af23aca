"""Where bytes can be had: mirrors, known copies."""
